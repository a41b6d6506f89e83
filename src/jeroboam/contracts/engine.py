"""The durable engine under operations: a queue of operation uuids, and steps and sleeps that survive a crash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol


class EngineState(StrEnum):
    """What the engine knows of an operation."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


StepFn = Callable[[], Coroutine[Any, Any, dict[str, object]]]
Runner = Callable[["Engine", str], Awaitable[None]]


class Engine(Protocol):
    """Runs `runner(engine, operation_uuid)` once for each submitted uuid and goes on with it after a crash.

    The runner is re-entered from its beginning after a crash; `step` then returns what it returned before for steps that had ended.
    No exactly-once effects: a step that was cut off runs again.
    """

    async def start(self, runner: Runner) -> None: ...

    async def stop(self) -> None:
        """Stop taking work. Running operations stop at their next step or sleep and go on after the next start."""
        ...

    async def submit(self, operation_uuid: str, *, tenant: str) -> None:
        """Queue it; the same uuid twice is one run. Tenants share the workers fairly."""
        ...

    async def adopt(self, alive: Collection[str]) -> int:
        """Queue again what other executors than these had under way; how many runs that were. Repeatable, by several at once.

        The run that it takes from an executor which lives after all can record nothing more in the engine.
        """
        ...

    async def cancel(self, operation_uuid: str) -> None:
        """Never run it again. A step under way is not interrupted."""
        ...

    async def status(self, operation_uuid: str) -> EngineState: ...

    async def statuses(self, operation_uuids: Sequence[str]) -> Mapping[str, EngineState]:
        """Of many by one look. Those that it does not know are absent."""
        ...

    async def step(self, name: str, fn: StepFn) -> dict[str, object]:
        """Run `fn` and keep its result (JSON). Only inside the runner."""
        ...

    async def sleep(self, delay: timedelta) -> None:
        """Wait; after a crash only the rest is waited for. Only inside the runner."""
        ...
