"""Numbers over all that is kept: no tenant is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Figures:
    """`operations` by kind, state and error class ("" where none failed); `events` wait in the outbox; `beaten_at` are the last signs of
    life of the conductors that hold a lease."""

    operations: Mapping[tuple[str, str, str], int]
    oldest_queued_at: datetime | None
    clusters: Mapping[str, int]
    events: int
    beaten_at: Sequence[datetime] = ()


class FigureStore(Protocol):
    async def figures(self) -> Figures:
        """All of them, as they are now."""
        ...
