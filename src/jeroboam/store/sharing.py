"""Statements of one process that callers share, on PostgreSQL: whoever comes while one of its kind is under way waits for its end, and
all who wait by then have one together.

A trip to the server costs this process and the server the same for one row as for a hundred, and a thousand operations that begin at
once ask for the same things. One alone waits for nobody, and one that takes long holds nobody up; eight that do hold up those of their
kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

from ..domain.errors import LeaseOver, RetryLater

L = TypeVar("L")
K = TypeVar("K")
V = TypeVar("V")

_AT_MOST = 100
_AT_ONCE = 8  # of one kind, when each takes long: others need connections, too
_PATIENCE_S = 0.1


class Alone:
    """The answer to one whom the shared statement did not serve: its own will, or will tell why not."""


ALONE: Final = Alone()


@dataclass(frozen=True, eq=False)
class _Caller(Generic[L, K, V]):
    lease: L
    one: K
    answer: asyncio.Future[V | Alone]


class Sharing(Generic[L, K, V]):
    """One kind of statement. `together` answers for all that it is given, in their order; `alone` for one, in a statement of its own.

    What is asked under one lease is done under that lease or not at all, however long it waits and whoever waits for it no more: a
    statement is of callers of the same lease and is told which.

    Raises what they raise: what passes by itself to all who shared the statement. Anything else may be due to one of them, so each has
    its own statement then. Raises LeaseOver to those whose lease is another by then.
    """

    def __init__(
        self,
        together: Callable[[L, Sequence[K]], Awaitable[Sequence[V | Alone]]],
        alone: Callable[[K], Awaitable[V]],
        *,
        under: Callable[[], L | None],
    ) -> None:
        """`under`: the lease of now; None when nothing is shared."""
        self._together, self._alone, self._under = together, alone, under
        self._waiting: list[_Caller[L, K, V]] = []
        self._under_way = 0
        self._begun_s = 0.0  # loop time of the last one's begin
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, one: K) -> V:
        lease = self._under()
        if lease is None:
            return await self._alone(one)
        answer = await (self._queued(lease, one) if self._under_way else self._first(lease, one))
        if not isinstance(answer, Alone):
            return answer
        if self._under() != lease:
            raise LeaseOver("This was asked under a lease that is over.")
        return await self._alone(one)

    async def stop(self) -> None:
        """Cancels the statements that are under way here, and those who wait for one; returns when the former have ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for caller in waiting:
            caller.answer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _first(self, lease: L, one: K) -> V | Alone:
        self._begin()
        try:
            [answer] = await self._together(lease, [one])
            return answer
        finally:
            self._end()

    async def _queued(self, lease: L, one: K) -> V | Alone:
        answer: asyncio.Future[V | Alone] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Caller(lease, one, answer))
        self._go_on()
        return await answer

    def _begin(self) -> None:
        self._under_way += 1
        self._begun_s = asyncio.get_running_loop().time()

    def _end(self) -> None:
        self._under_way -= 1
        self._go_on()

    def _go_on(self) -> None:
        """With those who wait, when nothing is under way or it takes long."""
        loop = asyncio.get_running_loop()
        late = self._under_way < _AT_ONCE and loop.time() - self._begun_s >= _PATIENCE_S
        if self._waiting and (late or not self._under_way):
            lease = self._waiting[0].lease
            some = list(takewhile(lambda caller: caller.lease == lease, islice(self._waiting, _AT_MOST)))
            self._waiting = self._waiting[len(some) :]
            self._begin()
            task = loop.create_task(self._serve(lease, some))
            self._tasks.add(task)
            task.add_done_callback(lambda task: self._served(task, some))
        if self._waiting and self._timer is None:
            self._timer = loop.call_later(_PATIENCE_S, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._go_on()

    async def _serve(self, lease: L, some: Sequence[_Caller[L, K, V]]) -> None:
        """A task of its own: none who is cancelled takes the others along."""
        here = [caller for caller in some if not caller.answer.done()]
        told: list[tuple[_Caller[L, K, V], V | Alone | RetryLater]]
        try:
            answers = await self._together(lease, [caller.one for caller in here]) if here else []
            told = list(zip(here, answers, strict=True))
        except RetryLater as error:
            told = [(caller, error) for caller in here]
        except (Exception, LeaseOver):  # noqa: BLE001 - whose it is shows when each is asked for alone
            told = [(caller, ALONE) for caller in here]
        for caller, answer in told:
            if not caller.answer.done():
                _tell(caller.answer, answer)

    def _served(self, task: asyncio.Task[None], some: Sequence[_Caller[L, K, V]]) -> None:
        """However it ended, and even if it was cancelled before it began: nobody waits on."""
        self._tasks.discard(task)
        for caller in some:
            caller.answer.cancel()  # unless it is told
        self._end()


def _tell(future: asyncio.Future[V | Alone], answer: V | Alone | RetryLater) -> None:
    if isinstance(answer, RetryLater):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def spread(columns: Sequence[sa.ColumnClause[Any]]) -> sa.TableValuedAlias:
    """Rows as one parameter for each column, so that the statement's text does not depend on how many they are; `place` is each one's
    place. What `many` makes of the rows is bound to it. Source: PostgreSQL 15, 7.2.1.4 "Table Functions"."""
    arrays = [sa.bindparam(f"many_{one.name}", type_=sa.ARRAY(one.type)) for one in columns]
    names = [sa.column(one.name, one.type) for one in columns]
    return sa.func.unnest(*arrays).table_valued(*names, with_ordinality="place").render_derived()


def many(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Parameters for `spread` of these rows, which have the same columns; not for none."""
    return {f"many_{name}": [row[name] for row in rows] for name in rows[0]}
