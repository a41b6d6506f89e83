"""Whether this conductor may still believe in its lease, by its own clock: asked where the database cannot be asked first."""

from __future__ import annotations

import time
from datetime import timedelta

START_UP = 6  # times the lease: a conductor that starts gives no sign of life for so long


def seconds() -> float:
    """Of a steady clock that also counts while this process or this machine stands still. Source: clock_gettime(2), CLOCK_BOOTTIME."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Pulse:
    """Written by the keeper of the lease, read by anybody, from any thread."""

    def __init__(self, lease: timedelta) -> None:
        self._lease_s = lease.total_seconds()
        self._ends = 0.0

    def felt(self, at: float, *, starting: bool = False) -> None:
        """A sign of life was begun at that moment and has arrived."""
        self._ends = at + self._lease_s * (START_UP if starting else 1)

    def alive(self) -> bool:
        return seconds() < self._ends
