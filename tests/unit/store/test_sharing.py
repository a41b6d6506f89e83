"""Callers who come while a statement is under way share the next, and each has its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from jeroboam.domain.errors import LeaseOver, ProviderUnavailable
from jeroboam.store.sharing import ALONE, Alone, Sharing

WAIT_S = 60.0


class Statements:
    """Answers each number with its square, once it may go on."""

    def __init__(
        self,
        *,
        error: BaseException | None = None,
        refused: int = -1,
        lease: str | None = "first",
        forgets: bool = False,
    ) -> None:
        self.together: list[list[int]] = []  # what each shared statement was given
        self.leases: list[str] = []  # and under which
        self.alone: list[int] = []
        self.may_end = asyncio.Event()
        self.error, self.refused, self.lease, self.forgets = error, refused, lease, forgets
        self.ask = Sharing(self._together, self._alone, under=lambda: self.lease)

    async def _together(self, lease: str, some: Sequence[int]) -> Sequence[int | Alone]:
        self.together.append(list(some))
        self.leases.append(lease)
        await self.may_end.wait()
        if self.error is not None and len(some) > 1:
            raise self.error
        answers = [ALONE if one == self.refused else one * one for one in some]
        return answers[:-1] if self.forgets and len(some) > 1 else answers

    async def _alone(self, one: int) -> int:
        self.alone.append(one)
        if one == self.refused:
            raise ZeroDivisionError(str(one))
        return one * one

    async def asked(self, count: int) -> list[asyncio.Task[int]]:
        """So many callers, the first of which is under way when this returns."""
        tasks = [asyncio.create_task(self.ask(number)) for number in range(count)]
        await asyncio.sleep(0)
        return tasks


async def ends(tasks: Sequence[asyncio.Task[int]]) -> list[int | BaseException]:
    async with asyncio.timeout(WAIT_S):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def test_those_who_wait_have_one_statement_and_each_its_own_answer() -> None:
    statements = Statements()
    tasks = await statements.asked(6)
    assert statements.together == [[0]]
    statements.may_end.set()
    assert await ends(tasks) == [0, 1, 4, 9, 16, 25]
    assert statements.together == [[0], [1, 2, 3, 4, 5]]
    assert statements.alone == []


async def test_one_after_the_other_each_has_a_statement_at_once() -> None:
    statements = Statements()
    statements.may_end.set()
    assert [await statements.ask(2), await statements.ask(3)] == [4, 9]
    assert statements.together == [[2], [3]]


async def test_where_nothing_is_shared_each_is_alone() -> None:
    statements = Statements(lease=None)
    assert await ends(await statements.asked(3)) == [0, 1, 4]
    assert (statements.together, statements.alone) == ([], [0, 1, 2])


async def test_a_statement_takes_a_hundred_and_the_next_the_rest() -> None:
    statements = Statements()
    tasks = await statements.asked(251)
    statements.may_end.set()
    assert await ends(tasks) == [number * number for number in range(251)]
    assert [len(some) for some in statements.together] == [1, 100, 100, 50]


async def test_whom_it_does_not_serve_is_asked_for_alone() -> None:
    statements = Statements(refused=2)
    tasks = await statements.asked(4)
    statements.may_end.set()
    found = await ends(tasks)
    assert [found[0], found[1], found[3]] == [0, 1, 9]
    assert isinstance(found[2], ZeroDivisionError)
    assert statements.alone == [2]


@pytest.mark.parametrize("error", [ValueError("of one of them"), LeaseOver("gone")], ids=["bug", "lease"])
async def test_an_error_that_may_be_due_to_one_is_told_by_each_ones_own(error: BaseException) -> None:
    statements = Statements(error=error, refused=3)
    tasks = await statements.asked(4)
    statements.may_end.set()
    found = await ends(tasks)
    assert found[:3] == [0, 1, 4]
    assert isinstance(found[3], ZeroDivisionError)
    assert sorted(statements.alone) == [1, 2, 3]


async def test_a_database_that_is_away_is_told_to_all() -> None:
    away = ProviderUnavailable("The database does not answer.")
    statements = Statements(error=away)
    tasks = await statements.asked(4)
    statements.may_end.set()
    assert await ends(tasks) == [0, away, away, away]
    assert statements.alone == []


@pytest.mark.parametrize("gone", [0, 1, 3])
async def test_one_that_is_cancelled_takes_nobody_along(gone: int) -> None:
    """Under way, and while it waits."""
    statements = Statements()
    tasks = await statements.asked(4)
    tasks[gone].cancel()
    await asyncio.sleep(0)
    statements.may_end.set()
    found = await ends(tasks)
    assert isinstance(found.pop(gone), asyncio.CancelledError)
    assert found == [number * number for number in range(4) if number != gone]


async def test_when_all_who_wait_are_cancelled_the_next_goes_on() -> None:
    statements = Statements()
    tasks = await statements.asked(3)
    for task in tasks:
        task.cancel()
    await ends(tasks)
    statements.may_end.set()
    async with asyncio.timeout(WAIT_S):
        assert await statements.ask(5) == 25


async def test_a_statement_that_hangs_holds_nobody_up() -> None:
    """The others do not wait for its end."""
    statements = Statements()
    hanging = await statements.asked(1)
    second = asyncio.create_task(statements.ask(7))
    async with asyncio.timeout(WAIT_S):
        while len(statements.together) < 2:
            await asyncio.sleep(0.01)
    assert statements.together == [[0], [7]]
    statements.may_end.set()
    assert await ends([*hanging, second]) == [0, 49]


async def test_at_most_eight_are_under_way_at_once() -> None:
    """However long they take and however many wait; when one ends, the next begins."""
    statements = Statements()
    hanging = await statements.asked(1)
    async with asyncio.timeout(WAIT_S):
        for number in range(1, 8):
            hanging.append(asyncio.create_task(statements.ask(number)))
            while len(statements.together) <= number:
                await asyncio.sleep(0.01)
        more = [asyncio.create_task(statements.ask(number)) for number in range(8, 11)]
        await asyncio.sleep(0.35)  # longer than the patience of those who wait
        assert statements.together == [[number] for number in range(8)]
        statements.may_end.set()
        assert await ends([*hanging, *more]) == [number * number for number in range(11)]
    assert statements.together[8:] == [[8, 9, 10]]


async def test_callers_of_two_leases_share_no_statement() -> None:
    statements = Statements()
    tasks = await statements.asked(3)
    statements.lease = "second"
    tasks += [asyncio.create_task(statements.ask(number)) for number in (3, 4)]
    await asyncio.sleep(0)
    statements.may_end.set()
    assert await ends(tasks) == [0, 1, 4, 9, 16]
    assert (statements.together, statements.leases) == ([[0], [1, 2], [3, 4]], ["first", "first", "second"])


@pytest.mark.parametrize("then", ["second", None], ids=["another", "none"])
async def test_whom_it_does_not_serve_is_not_asked_for_under_a_later_lease(then: str | None) -> None:
    statements = Statements(refused=2)
    tasks = await statements.asked(4)
    statements.lease = then
    statements.may_end.set()
    found = await ends(tasks)
    assert [found[0], found[1], found[3]] == [0, 1, 9]
    assert isinstance(found[2], asyncio.CancelledError)  # what a task makes of LeaseOver
    assert statements.alone == []


async def test_a_statement_that_forgets_one_leaves_nobody_waiting() -> None:
    statements = Statements(forgets=True)
    tasks = await statements.asked(4)
    statements.may_end.set()
    assert await ends(tasks) == [0, 1, 4, 9]
    assert sorted(statements.alone) == [1, 2, 3]


@pytest.mark.parametrize("begun", [True, False], ids=["under way", "about to begin"])
async def test_a_stop_ends_statements_and_who_waits_for_them(begun: bool) -> None:
    statements = Statements()
    tasks = await statements.asked(3)
    async with asyncio.timeout(WAIT_S):
        while begun and len(statements.together) < 2:
            await asyncio.sleep(0.01)
        tasks[0].cancel()  # it has a statement of its own; when that ends, the next begins
        await asyncio.sleep(0)
        await statements.ask.stop()
        assert [type(end) for end in await ends(tasks)] == [asyncio.CancelledError] * 3
        statements.may_end.set()
        assert await statements.ask(5) == 25
    assert statements.together[-1] == [5]
