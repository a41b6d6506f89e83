"""Waiting for a tool, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import WaitTimeout

_PAUSE_S = (0.2, 2.0)  # quick at first: most things are done within a second


class Patience:
    """Pauses that grow, until the time is up."""

    def __init__(
        self,
        within_s: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._within_s, self._sleep, self._clock = within_s, sleep, clock
        self._ends = clock() + within_s
        self._pause_s = _PAUSE_S[0]

    @property
    def left_s(self) -> float:
        """Seconds until the time is up; never negative."""
        return max(0.0, self._ends - self._clock())

    def afresh(self) -> Patience:
        """The same end, with pauses that begin anew."""
        other = Patience(self._within_s, sleep=self._sleep, clock=self._clock)
        other._ends = self._ends
        return other

    def check(self, what: str, *, hint: str = "") -> None:
        """Raises WaitTimeout, with `what` is the case, when there is no time left."""
        if not self.left_s:
            raise WaitTimeout(f"{what} within {self._within_s:g} s.", hint=hint)

    def pause(self, what: str, *, hint: str = "") -> None:
        """Wait a moment. Raises WaitTimeout, with `what` is the case, when there is no time left."""
        self.check(what, hint=hint)
        self._sleep(min(self._pause_s, self.left_s))
        self._pause_s = min(self._pause_s * 1.3, _PAUSE_S[1])
