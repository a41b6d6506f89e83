"""The timeline of one operation: a row when a step begins, closed when it ends. Rows survive a crash and are taken up again."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count

from ..contracts import Clock, Store
from ..domain import Step
from ..domain.errors import BootstrapFailed, JeroboamError, LeaseLost, Permanent


class Timeline:
    """Writes the steps of one operation. Not shared between operations."""

    def __init__(self, store: Store, clock: Clock, operation_uuid: str) -> None:
        self._store = store
        self._clock = clock
        self._operation = operation_uuid
        self._open: dict[tuple[str, str], Step] = {}
        self._opening: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._attempts: dict[tuple[str, str], int] = {}
        self._ended_well: Counter[tuple[str, str]] = Counter()
        self._numbers = count()  # of rows, in the order in which they were opened
        self._opened: dict[tuple[str, str], int] = {}  # the last row of each name and target
        self._well: dict[tuple[str, str], int] = {}  # the last one that was closed as done

    async def load(self) -> None:
        """Take up the rows that an earlier run left open."""
        for step in await self._store.list_steps(self._operation):
            key = (step.name, step.target)
            self._attempts[key] = max(step.attempt, self._attempts.get(key, 0))
            self._opened[key] = next(self._numbers)
            if step.ok:
                self._count_well(key)
            if step.ended_at is None:
                self._open[key] = step
            else:
                self._open.pop(key, None)

    def ended_well(self, name: str, target: str = "") -> bool:
        """True when a row of this name and target was closed as done."""
        return (name, target) in self._ended_well

    def ended_well_since(self, other: str, name: str, target: str) -> bool:
        """True when a row of this name was closed as done that was opened after the last one of `other`, whatever became of that."""
        key = (name, target)
        return key in self._well and self._well[key] > self._opened.get((other, target), -1)

    def started_at(self, name: str, target: str = "") -> datetime | None:
        """When the open row of this name and target began; None when none is open."""
        step = self._open.get((name, target))
        return step.started_at if step else None

    def attempts(self, name: str, target: str = "") -> int:
        """How many rows of this name and target were opened."""
        return self._attempts.get((name, target), 0)

    def times_done(self, name: str, target: str = "") -> int:
        """How many rows of this name and target were closed as done."""
        return self._ended_well[name, target]

    def made_or_removed(self) -> bool:
        """True when this operation made or removed a machine, or may have."""
        touched = ("machine", "renew", "heal", "replace", "rebuild", "remove")
        return any(name in touched for name, _ in (*self._ended_well, *self._open))

    def open_targets(self, name: str) -> list[str]:
        """Targets whose row of this name is open."""
        return [target for step, target in self._open if step == name]

    async def begin(self, name: str, target: str = "") -> None:
        """Open a row; does nothing when one is open already, or is being opened for somebody else of this operation."""
        key = (name, target)
        async with self._opening[key]:  # rows of other names are opened side by side
            if key not in self._open:
                await self._open_row(key)

    async def _open_row(self, key: tuple[str, str]) -> None:
        name, target = key
        attempt = self._attempts.get(key, 0) + 1
        step = Step(self._operation, name, target, attempt, self._clock.now())
        # A failing wait or call opens one row an attempt; told apart by `attempt`, never overwritten.
        row = await self._store.open_step(step)
        self._attempts[key] = attempt
        self._opened[key] = next(self._numbers)
        self._open[key] = Step(self._operation, name, target, attempt, step.started_at, id=row)

    async def note(self, name: str, target: str, message: str) -> None:
        """What the open row tells while it is open, "" for nothing; does nothing when none is open or it tells that already."""
        step = self._open.get((name, target))
        if step is None or step.id is None or step.message == message:
            return
        self._open[name, target] = replace(step, message=message)
        await self._store.note_step(step.id, message)

    async def end(self, name: str, target: str = "", *, message: str = "", log: str | None = None) -> None:
        """Close the open row as done, with what there is to tell in full; does nothing when none is open."""
        step = self._open.pop((name, target), None)
        if step is None or step.id is None:
            return
        self._count_well((name, target))
        await self._store.close_step(step.id, ok=True, message=message, log=log or None)

    def _count_well(self, key: tuple[str, str]) -> None:
        self._ended_well[key] += 1
        self._well[key] = self._opened[key]

    async def fail(self, name: str, target: str, error: JeroboamError) -> None:
        """Close the row (opened if need be) as failed, with class, hint and the node's last console lines."""
        await self.begin(name, target)
        step = self._open.pop((name, target))
        if step.id is None:
            return
        await self._store.close_step(
            step.id,
            ok=False,
            message=error.message,
            error_class=error.error_class,
            hint=error.hint or None,
            log=error.log or None,
        )

    async def end_open(self) -> None:
        """Close every open row as done: a run that died had done what they tell, and nobody had to do it again."""
        for name, target in list(self._open):
            await self.end(name, target)

    async def fail_open(self, error: JeroboamError) -> None:
        """Close every open row as failed: the operation ends here. What befell one node is told at that node's rows; the others
        were only stopped."""
        node = error.node if isinstance(error, BootstrapFailed) else None
        for name, target in list(self._open):
            befell = node is None or target in ("", node)
            await self.fail(name, target, error if befell else Permanent(f"Stopped, because {node} failed."))

    @asynccontextmanager
    async def step(self, name: str, target: str = "") -> AsyncIterator[None]:
        """A row around a block; an error of ours closes it as failed and goes on upwards."""
        await self.begin(name, target)
        try:
            yield
        except LeaseLost:
            raise  # whoever owns the cluster now writes its timeline
        except JeroboamError as error:
            await self.fail(name, target, error)
            raise
        await self.end(name, target)
