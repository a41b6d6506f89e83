"""Somebody who asks again and again while a cluster changes, and remembers how long nobody answered."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass
class Polling:
    """Calls `ask` in a thread until the block ends; what it raises is no answer. Every call needs a deadline of its own."""

    ask: Callable[[], object]
    every_s: float = 0.1
    answers: list[float] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(60)
        self._ended = time.monotonic()

    @property
    def gap_s(self) -> float:
        """The longest time without an answer."""
        moments = [self._began, *self.answers, self._ended]
        return max(after - before for before, after in itertools.pairwise(moments))

    def __str__(self) -> str:
        last = f"; last failure: {self.failures[-1][1][:200]}" if self.failures else ""
        return f"{len(self.answers)} answers, {len(self.failures)} failures, longest gap {self.gap_s:.1f} s{last}"

    def _run(self) -> None:
        while not self._over.wait(self.every_s):
            began = time.monotonic()
            try:
                self.ask()
            except Exception as error:  # noqa: BLE001 - whatever a client may raise
                self.failures.append((began - self._began, f"{type(error).__name__}: {error}"))
            else:
                self.answers.append(time.monotonic())
