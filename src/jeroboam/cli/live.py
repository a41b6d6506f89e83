"""The live picture of an operation on a terminal: a row a node, one for each step that concerns the cluster as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from .moments import duration, seconds_between
from .output import plain
from .timeline import STYLES, outcome
from .wire import Json

if TYPE_CHECKING:
    from rich.console import RenderableType

State = tuple[Json, list[Json], str, datetime]
MAX_ROWS = 20
_MARKS = {"ok": "✓", "failed": "✗"}


class LiveSteps:
    """A renderable that reads the state each time it is drawn, so that spinners and clocks move between two polls."""

    def __init__(self, state: Callable[[], State]) -> None:
        self._state = state
        self._spinner = Spinner("dots", style="cyan")

    def __rich__(self) -> RenderableType:
        operation, steps, away, now = self._state()
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(overflow="ellipsis", no_wrap=True)
        rows = latest(steps)
        hidden = max(0, len(rows) - MAX_ROWS)
        for step in _most_telling(rows):
            table.add_row(*self._row(step, now))
        if hidden:
            table.add_row("", f"and {hidden} more", "", "")
        final = operation.get("finished_at")
        took = duration(seconds_between(operation.get("created_at"), final or now))
        title = plain(operation.get("summary") or operation.get("kind") or "asking the service")
        mark: RenderableType = Text("") if final else self._spinner
        table.add_row(mark, Text(title), took, Text(plain(away), style="yellow") if away else "", style="bold")
        return table

    def _row(self, step: Json, now: datetime) -> tuple[RenderableType, RenderableType, RenderableType, RenderableType]:
        result = outcome(step)
        mark = self._spinner if result == "running" else Text(_MARKS[result], style=STYLES[result])
        took = duration(seconds_between(step.get("started_at"), step.get("ended_at") or now))
        name, target = plain(step.get("name")), plain(step.get("target") or "")
        said = " ".join(plain(step.get("message") or "").split())
        note = ": ".join(part for part in (name if target else "", said) if part)
        return mark, Text(target or name), took, Text(note, style=STYLES[result])


def latest(steps: list[Json]) -> list[Json]:
    """The newest step of each node, and of each name that has no node, in order of first appearance."""
    rows: dict[str, Json] = {}
    for step in steps:
        rows[str(step.get("target") or step.get("name"))] = step
    return list(rows.values())


def _most_telling(rows: list[Json]) -> list[Json]:
    """At most MAX_ROWS: what failed or runs goes before what is done; order stays."""
    if len(rows) <= MAX_ROWS:
        return rows
    busy = [row for row in rows if outcome(row) != "ok"][:MAX_ROWS]
    done = [row for row in rows if outcome(row) == "ok"][: MAX_ROWS - len(busy)]
    kept = {id(row) for row in (*busy, *done)}
    return [row for row in rows if id(row) in kept]
