"""The keeper's turn: it beats, ends the silent, hands their work to the engine, and knows when it is the oldest."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jeroboam.conductor.lease_keeper import LeaseKeeper
from jeroboam.conductor.pulse import Pulse, seconds
from jeroboam.contracts import Lease
from jeroboam.domain.errors import LeaseOver, ProviderUnavailable
from jeroboam.testing.memory_engine import MemoryEngine

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=0.3)


class Leases:
    """Of this conductor, and of another that never beats."""

    def __init__(self) -> None:
        self.rows = {"dead": Lease("dead", "t-dead", "elsewhere", 7, EPOCH, EPOCH)}
        self.away = False

    async def take_lease(self, executor_id: str, host: str) -> None:
        self.rows[executor_id] = Lease(executor_id, "t-me", host, 0, EPOCH, EPOCH)

    async def beat(self) -> None:
        if self.away:
            raise ProviderUnavailable("The database does not answer.", after_s=0.01)
        if "me" not in self.rows:
            raise LeaseOver("gone")
        self.rows["me"] = replace(self.rows["me"], beats=self.rows["me"].beats + 1)

    async def list_leases(self) -> Sequence[Lease]:
        return list(self.rows.values())

    async def end_lease(self, lease: Lease) -> bool:
        return self.rows.pop(lease.executor_id, None) is not None

    async def give_lease_back(self) -> None:
        self.rows.pop("me", None)


class Adopting(MemoryEngine):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    async def adopt(self, alive: Collection[str]) -> int:
        self.asked.append(sorted(alive))
        return 0


@pytest.fixture
def engine() -> Adopting:
    return Adopting()


@pytest.fixture
def leases() -> Leases:
    return Leases()


@pytest.fixture
def keeper(leases: Leases, engine: Adopting) -> LeaseKeeper:
    return LeaseKeeper(leases, engine, "me", "here", Pulse(LEASE), beat=LEASE / 6, lease=LEASE)


async def kept(keeper: LeaseKeeper, for_s: float) -> None:
    await keeper.take()
    with suppress(TimeoutError):
        await asyncio.wait_for(keeper.run(), for_s)


async def test_the_silent_is_ended_and_its_work_queued_again(
    keeper: LeaseKeeper, leases: Leases, engine: Adopting
) -> None:
    await keeper.take()
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(60):  # a process that stands still sees no silence of others
        while len(engine.asked) < 2:
            await asyncio.sleep(0.01)
    running.cancel()
    assert list(leases.rows) == ["me"]
    assert leases.rows["me"].beats > 1
    assert engine.asked == [["dead", "me"], ["me"]]
    assert keeper.first


async def test_a_lease_that_was_taken_away_ends_the_keeper(keeper: LeaseKeeper, leases: Leases) -> None:
    await keeper.take()
    del leases.rows["me"]
    with pytest.raises(LeaseOver):
        await keeper.run()
    assert not keeper.first
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_while_the_database_is_away_nobody_is_ended(keeper: LeaseKeeper, leases: Leases) -> None:
    leases.away = True
    await kept(keeper, 0.8)
    assert sorted(leases.rows) == ["dead", "me"]
    assert not keeper.first


def test_a_pulse_ends_with_the_lease() -> None:
    pulse = Pulse(timedelta(seconds=5))
    assert not pulse.alive()
    pulse.felt(seconds())
    assert pulse.alive()
    pulse.felt(seconds() - 6)
    assert not pulse.alive()
    pulse.felt(seconds() - 6, starting=True)
    assert pulse.alive()
