"""Turns at a provider: bounded, fair between tenants, and none is lost with a task that is cancelled."""

import asyncio
from datetime import timedelta

import pytest

from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.reconcile.turns import Turns


async def call(turns: Turns, tenant: str, done: list[str], running: list[int]) -> None:
    async with turns.of(tenant):
        running.append(running[-1] + 1)
        await asyncio.sleep(0)
        running.append(running[-1] - 1)
        done.append(tenant)


async def test_never_more_than_so_many_at_once() -> None:
    turns, running, done = Turns(3), [0], list[str]()
    await asyncio.gather(*(call(turns, "a", done, running) for _ in range(20)))
    assert (max(running), len(done)) == (3, 20)


async def test_tenants_take_turns_however_long_one_queue_is() -> None:
    turns, running, done = Turns(1), [0], list[str]()
    many = [call(turns, "many", done, running) for _ in range(40)]
    few = [call(turns, "few", done, running) for _ in range(3)]
    await asyncio.gather(*many, *few)
    assert done[:7] == ["many", "many", "few", "many", "few", "many", "few"]
    assert done[7:] == ["many"] * 36


async def test_a_turn_is_not_lost_with_a_cancelled_task() -> None:
    turns, running, done = Turns(1), [0], list[str]()
    async with turns.of("a"):
        waiting = [asyncio.create_task(call(turns, "b", done, running)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    waiting[1].cancel()  # whose turn has come, though it does not know yet
    await asyncio.gather(*waiting, return_exceptions=True)
    assert done == ["b"]
    async with asyncio.timeout(30), turns.of("c"):
        pass


async def test_who_waits_so_long_and_no_longer_leaves_the_queue() -> None:
    turns, running, done = Turns(1), [0], list[str]()
    async with turns.of("a"):
        with pytest.raises(ProviderUnavailable) as caught:
            async with turns.of("b", limit=timedelta(milliseconds=20)):
                done.append("never")
    assert caught.value.message == (
        "The provider had no turn to give within 0.02 s: all calls that it may get at once are at work."
    )
    await asyncio.gather(*(call(turns, "c", done, running) for _ in range(2)))
    assert (max(running), done) == (1, ["c", "c"])


async def test_a_limit_is_for_the_wait_alone() -> None:
    turns = Turns(1)
    async with turns.of("a", limit=timedelta(milliseconds=1)):
        await asyncio.sleep(0.02)
