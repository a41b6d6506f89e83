"""What working on a real cloud is like, for the fake one: answers that take their time, errors, absence, lost machines, no more room."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...domain.errors import ProviderRefused, ProviderUnavailable
from .books import FakeMachine


@dataclass(frozen=True)
class Spread:
    """Seconds: always `low`; or evenly from `low` to `high`; or, with `mean`, exponentially around that."""

    low: float = 0.0
    high: float | None = None
    mean: float | None = None

    @classmethod
    def parse(cls, text: str) -> Spread:
        """`2`, `5..60` or `exp:20`. Raises ValueError."""
        if text.startswith("exp:"):
            made = cls(mean=float(text[4:]))
        elif ".." in text:
            low, high = map(float, text.split("..", 1))
            made = cls(low, high)
        else:
            made = cls(float(text))
        numbers = [made.low, *(one for one in (made.high, made.mean) if one is not None)]
        if not all(map(math.isfinite, numbers)) or made.low < 0 or made.mean == 0 or numbers[-1] < made.low:
            raise ValueError(text)
        return made

    def draw(self, chance: random.Random) -> float:
        if self.mean is not None:
            return chance.expovariate(1 / self.mean)
        return self.low if self.high is None else chance.uniform(self.low, self.high)


@dataclass(frozen=True)
class Weather:
    """Fair unless told otherwise. `latencies` by call, under "" that of all others."""

    latencies: Mapping[str, Spread] = field(default_factory=dict)
    error_rate: float = 0.0  # of calls that fail and would pass again
    away_s: float = 0.0  # for so long out of every `away_every_s` nobody reaches it: all processes see the same
    away_every_s: float = 60.0
    machine_life_s: float = 0.0  # after such a time, on average, a machine is lost; 0: never
    machine_quota: int = 0  # machines of all clusters together; 0: no limit
    chance: random.Random = field(default_factory=random.Random)
    clock: Callable[[], float] = time.time

    async def meet(self, call: str) -> None:
        """Pass the time that a call takes. Raises ProviderUnavailable."""
        takes_s = self.latencies.get(call, self.latencies.get("", Spread())).draw(self.chance)
        if takes_s:
            await asyncio.sleep(takes_s)
        if self.away_s and self.clock() % self.away_every_s < self.away_s:
            raise ProviderUnavailable("The fake cloud cannot be reached, as its settings say.", after_s=1.0)
        if self.error_rate and self.chance.random() < self.error_rate:
            raise ProviderUnavailable(f"The fake cloud failed at {call}, as its settings say.", after_s=1.0)

    def lost(self, machine: FakeMachine) -> bool:
        """Whether its time has come: the same for every process that asks."""
        if not self.machine_life_s:
            return False
        lives_s = random.Random(machine.id).expovariate(1 / self.machine_life_s)  # noqa: S311 - no secret
        return self.clock() - machine.made_at > lives_s

    def room(self, there: int) -> int | None:
        """For how many machines more; None: for any number."""
        return max(0, self.machine_quota - there) if self.machine_quota else None

    def check_room(self, there: int) -> None:
        """Raises ProviderRefused."""
        if self.room(there) == 0:
            raise ProviderRefused(
                f"The quota of {self.machine_quota} machines is used up.",
                hint="Ask for fewer nodes, delete what is not needed, or have the quota raised; then retry.",
            )
