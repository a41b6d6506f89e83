"""The fake cloud: its books and its faults."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Literal

import msgspec

from ...domain.errors import ProviderRefused, ProviderUnavailable
from .books import Books, State


class Fault(msgspec.Struct):
    """What goes wrong: in `call` for a machine or cluster that `name` fits, `times` times (0: always).

    Effects: `unavailable` (will pass), `refuse` (will not), `boot_fail` (the machine comes up and its bootstrap fails), `hang` (no answer).
    """

    call: str
    effect: Literal["unavailable", "refuse", "boot_fail", "hang"]
    name: str = "*"
    message: str = "a fault from the settings"
    times: int = 0
    met: int = 0


class Cloud:
    """One cloud; processes that name the same file share it. Faults are counted in each process by itself."""

    def __init__(self, path: Path | None = None, faults: list[Fault] | None = None) -> None:
        self.books = Books(path)
        self._faults = faults or []

    @property
    def state(self) -> State:
        """Everything there is."""
        return self.books.state()

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
