"""Numbers over all that is kept: no tenant is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Figures:
    """`operations` by kind, state and error class ("" where none failed); `events` wait in the outbox."""

    operations: Mapping[tuple[str, str, str], int]
    oldest_queued_at: datetime | None
    clusters: Mapping[str, int]
    events: int


class FigureStore(Protocol):
    async def figures(self) -> Figures:
        """All of them, as they are now."""
        ...
