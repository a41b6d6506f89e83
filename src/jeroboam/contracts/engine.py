"""The durable engine under operations: a queue of operation uuids that survives a crash, and who runs which of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol


class EngineState(StrEnum):
    """What the engine knows of an operation."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


Runner = Callable[[str], Awaitable[None]]


class Engine(Protocol):
    """Runs `runner(operation_uuid)` once for each submitted uuid, and again from its beginning after a crash.

    It keeps nothing of what a run did: the runner looks at what is there. Once started, it raises ProviderUnavailable for what its
    database refuses; each call may be repeated.
    """

    async def start(self, runner: Runner) -> None: ...

    async def stop(self) -> None:
        """Stop taking work. Running operations stop where they wait and go on after the next start."""
        ...

    async def submit(self, operations: Mapping[str, str]) -> None:
        """Queue these, tenant by uuid, in this order; the same uuid twice is one run. Tenants share the workers fairly."""
        ...

    async def adopt(self, alive: Collection[str]) -> int:
        """Queue again what other executors than these had under way; how many runs that were. Repeatable, by several at once.

        The run that it takes from an executor which lives after all can record nothing more in the engine.
        """
        ...

    async def cancel(self, operation_uuid: str) -> None:
        """Never run it again. A run under way is not interrupted."""
        ...

    async def status(self, operation_uuid: str) -> EngineState: ...

    async def statuses(self, operation_uuids: Sequence[str]) -> Mapping[str, EngineState]:
        """Of many by one look. Those that it does not know are absent."""
        ...
