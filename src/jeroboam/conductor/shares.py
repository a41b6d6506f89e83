"""Whose look a cluster at rest has: each conductor's own share of them, as long as the same ones live. So what a conductor made for a look,
it has at the next one still."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..contracts import Share


@dataclass
class Shares:
    """`alive`: the names of all conductors that live, as far as this one knows."""

    name: str
    alive: Callable[[], Sequence[str]]
    _helped_at: datetime | None = None

    def own(self) -> Share | None:
        """None when there is nobody to share with."""
        others = tuple(_number(one) for one in self.alive() if one != self.name)
        return Share(_number(self.name), others) if others else None

    def may_help(self, now: datetime, pause: timedelta) -> bool:
        """Whether it is time to look for what others leave undone: so long after the last time, and after the first time that it is asked,
        since those who begin together have all their shares before them."""
        if self._helped_at is None:
            self._helped_at = now
        return now - self._helped_at >= pause

    def helped(self, now: datetime) -> None:
        """Nothing was left undone at that moment."""
        self._helped_at = now


def _number(name: str) -> int:
    """The same in all processes."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % Share.MOST + 1
