"""Statements of one process that callers share, on PostgreSQL: whoever comes while one of its kind is under way waits for its end, and
all who wait by then have one together.

A trip to the server costs this process and the server the same for one row as for a hundred, and a thousand operations that begin at
once ask for the same things. One alone waits for nobody, and one that takes long holds nobody up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

from ..domain.errors import LeaseOver, RetryLater

K = TypeVar("K")
V = TypeVar("V")

_AT_MOST = 100
_AT_ONCE = 8  # of one kind, when each takes long: others need connections, too
_PATIENCE_S = 0.1


class Alone:
    """The answer to one whom the shared statement did not serve: its own will, or will tell why not."""


ALONE: Final = Alone()


class Sharing(Generic[K, V]):
    """One kind of statement. `together` answers for all that it is given, in their order; `alone` for one, in a statement of its own.

    Raises what they raise: what passes by itself and the end of a lease to all who shared the statement. Anything else may be due to
    one of them, so each has its own statement then.
    """

    def __init__(
        self,
        together: Callable[[Sequence[K]], Awaitable[Sequence[V | Alone]]],
        alone: Callable[[K], Awaitable[V]],
        *,
        when: Callable[[], bool],
    ) -> None:
        """`when`: whether there is anything to share now."""
        self._together, self._alone, self._when = together, alone, when
        self._waiting: list[tuple[K, asyncio.Future[V | Alone]]] = []
        self._under_way = 0
        self._begun_s = 0.0  # loop time of the last one's begin
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, one: K) -> V:
        if not self._when():
            return await self._alone(one)
        answer = await (self._queued(one) if self._under_way else self._first(one))
        return await self._alone(one) if isinstance(answer, Alone) else answer

    async def _first(self, one: K) -> V | Alone:
        self._begin()
        try:
            return (await self._together([one]))[0]
        finally:
            self._end()

    async def _queued(self, one: K) -> V | Alone:
        future: asyncio.Future[V | Alone] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, future))
        self._go_on()
        return await future

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
            some, self._waiting = self._waiting[:_AT_MOST], self._waiting[_AT_MOST:]
            self._begin()
            task = loop.create_task(self._serve(some))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._waiting and self._timer is None:
            self._timer = loop.call_later(_PATIENCE_S, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._go_on()

    async def _serve(self, some: Sequence[tuple[K, asyncio.Future[V | Alone]]]) -> None:
        """A task of its own: none who is cancelled takes the others along."""
        here = [(one, future) for one, future in some if not future.done()]
        answers: Sequence[V | Alone | RetryLater] = []
        try:
            if here:
                answers = await self._together([one for one, _ in here])
        except RetryLater as error:
            answers = [error] * len(here)
        except (Exception, LeaseOver):  # noqa: BLE001 - whose it is shows when each is asked for alone
            answers = [ALONE] * len(here)
        except BaseException:  # the process ends
            for _, future in here:
                future.cancel()
            raise
        finally:
            self._end()
        for (_, future), answer in zip(here, answers, strict=True):
            if not future.done():
                _tell(future, answer)


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
