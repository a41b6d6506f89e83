"""Progress for people: bars on a terminal, plain lines elsewhere. Both go to stderr, so that stdout stays for results."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_STEPS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@contextmanager
def show_progress(stream: IO[str] | None = None) -> Iterator[RichProgress | LineProgress]:
    """Bars when the stream (stderr, if none is given) is a terminal that can draw them, else lines."""
    from rich.console import Console

    console = Console(file=stream or sys.stderr, highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        with RichProgress(console) as bars:
            yield bars
    else:
        yield LineProgress(lambda line: print(line, file=console.file, flush=True))


class RichProgress:
    """Implements contracts.Progress: a bar or a spinner for what is under way; what is done becomes a line above them."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        note = TextColumn("[dim]{task.fields[note]}", markup=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(24))
        self._bars = Bars(
            *columns, TextColumn("{task.fields[amount]}"), TimeElapsedColumn(), note, console=console, transient=True
        )
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._state: dict[str, _Task] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> RichProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None:
        with self._lock:
            if task in self._tasks:
                self._bars.remove_task(self._tasks[task])
            state = self._state[task] = _Task(total, unit)
            self._tasks[task] = self._bars.add_task(task, total=total, note="", amount=state.amount())

    def advance(self, task: str, amount: int = 1, *, note: str | None = None) -> None:
        with self._lock:
            if task not in self._tasks:
                return
            state = self._state[task]
            state.done += amount
            state.note = state.note if note is None else note
            self._bars.update(self._tasks[task], completed=state.done, note=_escape(state.note), amount=state.amount())

    def finish(self, task: str, *, note: str | None = None) -> None:
        with self._lock:
            if task not in self._tasks:
                return
            self._bars.remove_task(self._tasks.pop(task))
            mark = "[green]✓[/]" if note is None else "[yellow]•[/]"
            self._console.print(f"{mark} {_escape(self._state.pop(task).ending(task, note))}")


class LineProgress:
    """Implements contracts.Progress: a line when a task begins and ends, and now and then between. `write` takes a line."""

    def __init__(self, write: Callable[[str], None], *, every_s: float = 15) -> None:
        self._write = write
        self._every_s = every_s
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.Lock()

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None:
        with self._lock:
            self._tasks[task] = _Task(total, unit)
            self._say(f"{task} ...")

    def advance(self, task: str, amount: int = 1, *, note: str | None = None) -> None:
        with self._lock:
            state = self._tasks.get(task)
            if state is None:
                return
            state.done += amount
            state.note = state.note if note is None else note
            if time.monotonic() - state.told >= self._every_s:
                state.told = time.monotonic()
                self._say("  ".join(word for word in (f"{task}:", state.amount(), state.note) if word))

    def finish(self, task: str, *, note: str | None = None) -> None:
        with self._lock:
            state = self._tasks.pop(task, None)
            if state is not None:
                self._say(state.ending(task, note))

    def _say(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a closed stream must not stop the work
            self._write(line)


class Silent:
    """Implements contracts.Progress for callers that nobody watches."""

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None: ...

    def advance(self, task: str, amount: int = 1, *, note: str | None = None) -> None: ...

    def finish(self, task: str, *, note: str | None = None) -> None: ...


Shown = RichProgress | LineProgress | Silent


@dataclass
class _Task:
    total: int | None
    unit: str
    done: int = 0
    note: str = ""
    began: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)

    def amount(self) -> str:
        """ "3 of 9 packages", "12.0 MiB" while the size is unknown, nothing while there is nothing to tell."""
        if self.total is None and self.done == 0:
            return ""
        if self.unit == "B":
            return size(self.done) if self.total is None else f"{size(self.done)} of {size(self.total)}"
        known = f"{self.done}" if self.total is None else f"{self.done} of {self.total}"
        return f"{known} {self.unit}".rstrip()

    def ending(self, task: str, note: str | None) -> str:
        """How it ended: the time it took, or why it ended otherwise."""
        if note is not None:
            return f"{task}: {note}"
        fetched = f", {size(self.done)}" if self.unit == "B" else ""
        return f"{task}: {duration(time.monotonic() - self.began)}{fetched}"


def size(amount: int) -> str:
    """Bytes for people: "11.9 MiB"."""
    for step, name in _STEPS:
        if amount >= step:
            return f"{amount / step:.1f} {name}"
    return f"{amount} B"


def duration(seconds: float) -> str:
    """Seconds for people: "0.4 s", "25 s", "5 min 3 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
