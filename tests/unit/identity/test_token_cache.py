"""What is remembered of tokens: how long, how many, and that nobody asks twice at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from jeroboam.identity.token_cache import TokenCache, Verdict


@dataclass
class Authority:
    """Knows who is who, counts, and can be made to wait."""

    known: dict[bytes, tuple[str, float]] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)
    gate: asyncio.Event | None = None
    now: float = 1000.0

    def clock(self) -> float:
        return self.now

    async def who(self, cache: TokenCache[str], token: bytes) -> str | None:
        async def ask() -> Verdict[str]:
            self.asked.append(token)
            if self.gate is not None:
                await self.gate.wait()
            found = self.known.get(token)
            return Verdict(found[0], found[1]) if found else Verdict(None, 0.0)

        return await cache.get(token, ask)


@pytest.fixture
def authority() -> Authority:
    return Authority({b"ada": ("Ada", 3600.0), b"short": ("Short", 20.0), b"over": ("Over", -5.0)})


def made(authority: Authority, limit: int = 10) -> TokenCache[str]:
    return TokenCache(lifetime_s=300, refused_s=10, limit=limit, clock=authority.clock)


@pytest.mark.parametrize(
    ("token", "held_s", "who"), [(b"ada", 300.0, "Ada"), (b"short", 20.0, "Short"), (b"nobody", 10.0, None)]
)
async def test_an_answer_holds_for_its_time_and_no_longer(
    authority: Authority, token: bytes, held_s: float, who: str | None
) -> None:
    cache = made(authority)
    assert await authority.who(cache, token) == who
    authority.now += held_s - 0.1
    assert await authority.who(cache, token) == who
    assert authority.asked == [token]
    authority.now += 0.1
    assert await authority.who(cache, token) == who
    assert authority.asked == [token, token]


async def test_what_is_over_when_it_comes_is_not_kept(authority: Authority) -> None:
    cache = made(authority)
    assert [await authority.who(cache, b"over") for _ in range(2)] == ["Over", "Over"]
    assert (authority.asked, len(cache)) == ([b"over", b"over"], 0)


async def test_junk_does_not_push_out_what_is_valid(authority: Authority) -> None:
    cache = made(authority, limit=3)
    await authority.who(cache, b"ada")
    for number in range(50):
        await authority.who(cache, b"junk-%d" % number)
    assert len(cache) == 4
    authority.asked.clear()
    assert await authority.who(cache, b"ada") == "Ada"
    assert authority.asked == []


async def test_the_oldest_goes_when_there_are_too_many(authority: Authority) -> None:
    cache = made(authority, limit=2)
    authority.known |= {b"bob": ("Bob", 3600.0), b"eve": ("Eve", 3600.0)}
    for token in (b"ada", b"bob", b"eve", b"eve", b"ada"):
        await authority.who(cache, token)
    assert authority.asked == [b"ada", b"bob", b"eve", b"ada"]


async def test_many_at_once_ask_once_and_one_who_hangs_up_harms_nobody(authority: Authority) -> None:
    cache, authority.gate = made(authority), asyncio.Event()
    asking = [asyncio.create_task(authority.who(cache, b"ada")) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    authority.gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == ["Ada"] * 19
    assert authority.asked == [b"ada"]


async def test_an_error_is_told_to_all_who_wait_and_not_remembered() -> None:
    cache: TokenCache[str] = TokenCache(lifetime_s=300, refused_s=10)
    asked = []

    async def away() -> Verdict[str]:
        asked.append(1)
        await asyncio.sleep(0)
        raise ConnectionError("away")

    answers = await asyncio.gather(*(cache.get(b"ada", away) for _ in range(3)), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["away"] * 3
    assert (len(asked), len(cache)) == (1, 0)
    with pytest.raises(ConnectionError):
        await cache.get(b"ada", away)
    assert len(asked) == 2


async def test_no_token_can_be_found_in_it() -> None:
    cache: TokenCache[str] = TokenCache(lifetime_s=300, refused_s=10)

    async def ask() -> Verdict[str]:
        return Verdict("Ada", 3600.0)

    await cache.get(b"gAAAA-secret", ask)
    shown = repr(vars(cache))
    assert "Ada" in shown
    assert "gAAAA-secret" not in shown
