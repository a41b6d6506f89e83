"""Who lives: a conductor whose lease shows no new beat for a while is silent. Pure; no clock of another machine is compared with ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from ..contracts import Lease
from .pulse import START_UP


@dataclass
class Watch:
    """Measures silence on our own clock, from the first look at a beat. What we could not see is no silence of others."""

    patience: timedelta
    _seen: dict[str, tuple[str, int, float]] = field(default_factory=dict)  # by executor: token, beats, first seen so
    _looked: float | None = None

    def silent(self, leases: Sequence[Lease], now: float) -> list[Lease]:
        """Those to be taken away. `now` in seconds of a steady clock."""
        patience = self.patience.total_seconds()
        if self._looked is not None and now - self._looked > patience / 2:
            self._seen.clear()  # the database was away, or this process stood still: so may everybody have
        self._looked = now
        self._seen = {lease.executor_id: self._since(lease, now) for lease in leases}
        return [lease for lease in leases if now - self._seen[lease.executor_id][2] >= patience * _factor(lease)]

    def _since(self, lease: Lease, now: float) -> tuple[str, int, float]:
        before = self._seen.get(lease.executor_id)
        return before if before and before[:2] == (lease.token, lease.beats) else (lease.token, lease.beats, now)


def _factor(lease: Lease) -> int:
    return START_UP if lease.beats == 0 else 1
