"""However many ask, one looks; and not again for a while."""

import asyncio
from datetime import timedelta

import pytest

from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.main.recent import Recent

FRESH = timedelta(seconds=5)


class Source:
    """Counts how often it is asked, and answers when it is let go."""

    def __init__(self) -> None:
        self.asked, self.at_once, self.most = 0, 0, 0
        self.go = asyncio.Event()
        self.away = False

    async def __call__(self) -> int:
        self.asked += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.go.wait()
            if self.away:
                raise ProviderUnavailable("The database does not answer.", after_s=1)
            return self.asked
        finally:
            self.at_once -= 1


async def test_a_hundred_who_ask_at_once_have_one_answer() -> None:
    source = Source()
    recent = Recent(source, FRESH)
    asking = [asyncio.create_task(recent.get()) for _ in range(100)]
    await asyncio.sleep(0)
    source.go.set()
    assert await asyncio.gather(*asking) == [1] * 100
    assert await recent.get() == 1
    assert (source.asked, source.most) == (1, 1)


async def test_an_answer_is_asked_for_again_when_it_is_old() -> None:
    source, now = Source(), [100.0]
    source.go.set()
    recent = Recent(source, FRESH, lambda: now[0])
    assert await recent.get() == 1
    now[0] += 4.9
    assert await recent.get() == 1
    now[0] += 0.1
    assert await recent.get() == 2


async def test_who_asked_first_may_leave() -> None:
    source = Source()
    recent = Recent(source, FRESH)
    first, second = (asyncio.create_task(recent.get()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.go.set()
    assert await second == 1
    assert source.asked == 1


async def test_a_failure_is_all_waiters_and_nobodys_afterwards() -> None:
    source = Source()
    source.away = True
    recent = Recent(source, FRESH)
    asking = [asyncio.create_task(recent.get()) for _ in range(3)]
    await asyncio.sleep(0)
    source.go.set()
    ends = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(end) for end in ends] == [ProviderUnavailable] * 3
    source.away = False
    assert await recent.get() == 2
