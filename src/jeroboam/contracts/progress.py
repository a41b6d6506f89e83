"""Progress of long work, told to whoever watches: a terminal, a log, a test. No rendering lives here."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the course of long work. Calls must be cheap and must not raise; any thread may call."""

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None:
        """Begin a task. `task` is unique among those under way; `total` is None when the size is unknown.
        `unit` is "B" for bytes, else a plural noun such as "packages"."""

    def advance(self, task: str, amount: int = 1, *, note: str | None = None) -> None:
        """`amount` more units are done; `note` replaces the short text shown behind the bar."""

    def finish(self, task: str, *, note: str | None = None) -> None:
        """The task is done. A task that fails is finished with its error in `note`."""


class NoProgress:
    """Progress for callers that nobody watches."""

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None: ...

    def advance(self, task: str, amount: int = 1, *, note: str | None = None) -> None: ...

    def finish(self, task: str, *, note: str | None = None) -> None: ...
