"""What is known of tokens: asked for once, remembered for a while, never by the token itself.

Keys are HMACs under a key of this process, so that nothing here gives a token away. Refused tokens have a shelf of their own: a flood of
junk does not push out what is valid.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Verdict(Generic[T]):
    """What the authority said of a token: who it is (None: refused) and for how long that holds, in seconds."""

    who: T | None
    valid_s: float


@dataclass
class _Shelf(Generic[T]):
    """The newest entries, at most `limit`."""

    limit: int
    entries: dict[bytes, tuple[float, T | None]] = field(default_factory=dict)

    def put(self, key: bytes, until: float, who: T | None) -> None:
        self.entries.pop(key, None)
        while len(self.entries) >= self.limit:
            self.entries.pop(next(iter(self.entries)))
        self.entries[key] = (until, who)


class TokenCache(Generic[T]):
    """`ask` of a token runs once at a time; its errors are not remembered. `clock` gives monotonic seconds."""

    def __init__(
        self, *, lifetime_s: float, refused_s: float, limit: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifetime_s = lifetime_s
        self._refused_s = refused_s
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: _Shelf[T] = _Shelf(limit)
        self._refused: _Shelf[T] = _Shelf(limit)
        self._asking: dict[bytes, asyncio.Task[Verdict[T]]] = {}

    def __len__(self) -> int:
        return len(self._known.entries) + len(self._refused.entries)

    async def get(self, token: bytes, ask: Callable[[], Awaitable[Verdict[T]]]) -> T | None:
        """Who it is, or None for a refused token. Raises what `ask` raises."""
        key = hmac.digest(self._key, token, hashlib.sha256)
        now = self._clock()
        for shelf in (self._known, self._refused):
            found = shelf.entries.get(key)
            if found and now < found[0]:
                return found[1]
            shelf.entries.pop(key, None)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key, ask))
            task.add_done_callback(_looked_at)
        return (await asyncio.shield(task)).who  # one who hangs up takes the answer from nobody else

    async def _ask(self, key: bytes, ask: Callable[[], Awaitable[Verdict[T]]]) -> Verdict[T]:
        try:
            verdict = await ask()
        finally:
            del self._asking[key]
        now = self._clock()
        if verdict.who is None:
            self._refused.put(key, now + self._refused_s, None)
        elif verdict.valid_s > 0:
            self._known.put(key, now + min(self._lifetime_s, verdict.valid_s), verdict.who)
        return verdict


def _looked_at(task: asyncio.Task[Verdict[T]]) -> None:
    """An error that nobody waited for any more is no surprise for the event loop."""
    if not task.cancelled():
        task.exception()
