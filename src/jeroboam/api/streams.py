"""How many answers without end may be open at a time: each costs work for as long as its reader stays."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..domain.errors import RetryLater


class Streams:
    """Counts them. One for each application."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.open = 0

    def check_room(self) -> None:
        """Raises RetryLater when all places are taken."""
        if self.open >= self._most:
            raise RetryLater(
                f"{self._most} streams of events are open already.", after_s=10, hint="Ask for the steps instead."
            )

    async def counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same pieces; the place is given back when the reader has gone."""
        self.open += 1
        try:
            async for piece in pieces:
                yield piece
        finally:
            self.open -= 1
