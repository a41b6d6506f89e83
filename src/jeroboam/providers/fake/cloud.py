"""The state of the fake cloud, kept in memory or in a file that survives kill -9, and its faults."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path
from typing import Literal

import msgspec

from ...domain.errors import ProviderRefused, ProviderUnavailable


class FakeMachine(msgspec.Struct):
    """A row that plays a machine. `made_at` is a moment of the wall clock, in seconds."""

    name: str
    cluster: str
    group: str
    role: str
    index: int
    address: str
    made_at: float
    boot_fails: str = ""
    id: str = ""
    image: str | None = None
    keys: str | None = None


class State(msgspec.Struct):
    networks: dict[str, str] = msgspec.field(default_factory=dict)  # cluster uuid -> name
    endpoints: dict[str, int] = msgspec.field(default_factory=dict)  # cluster uuid -> outside port
    machines: dict[str, FakeMachine] = msgspec.field(default_factory=dict)
    made: int = 0  # machines ever: an id is not given twice


class Fault(msgspec.Struct):
    """What goes wrong: in `call` for a machine or cluster that `name` fits, `times` times (0: always).

    Effects: `unavailable` (will pass), `refuse` (will not), `boot_fail` (the machine comes up and its bootstrap fails).
    """

    call: str
    effect: Literal["unavailable", "refuse", "boot_fail"]
    name: str = "*"
    message: str = "a fault from the settings"
    times: int = 0
    met: int = 0


class Cloud:
    """Loads at construction, writes after each change: whole or not at all."""

    def __init__(self, path: Path | None = None, faults: list[Fault] | None = None) -> None:
        self._path = path
        self._faults = faults or []
        self.state = State()
        if path is not None and path.exists():
            self.state = msgspec.json.decode(path.read_bytes(), type=State)

    def save(self) -> None:
        if self._path is None:
            return
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        temporary.write_bytes(msgspec.json.encode(self.state))
        temporary.replace(self._path)

    def meet(self, call: str, name: str) -> Fault | None:
        """Raise the first fault that fits, or return it when its effect comes later."""
        for fault in self._faults:
            fits = fault.call == call and fnmatch.fnmatch(name, fault.name)
            if not fits or (fault.times and fault.met >= fault.times):
                continue
            fault.met += 1
            if fault.effect == "unavailable":
                raise ProviderUnavailable(fault.message, after_s=0.01)
            if fault.effect == "refuse":
                raise ProviderRefused(fault.message)
            return fault
        return None
