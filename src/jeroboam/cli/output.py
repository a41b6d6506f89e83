"""What reaches the screen: JSON alone, or tables that a person reads and a pipe can cut. Text of others is shown without control codes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PIPE_WIDTH = 4000  # nobody folds lines for a program


def plain(text: object) -> str:
    """As text without terminal control codes: a node's console must not steer ours. Newlines and tabs stay."""
    return _ESCAPES.sub("", str(text).replace("\r\n", "\n"))


def console(stream: IO[str] | None = None) -> Console:
    """A console on stdout (or `stream`), as wide as the terminal; on a pipe lines are never folded."""
    from rich.console import Console

    stream = stream or sys.stdout
    return Console(
        file=stream, width=None if stream.isatty() else _PIPE_WIDTH, highlight=False, markup=False, emoji=False
    )


def show_json(value: object) -> None:
    """The one thing on stdout in --json mode."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, nothing: str) -> None:
    """Rows under headings, or the sentence `nothing`."""
    from rich.table import Table

    if not rows:
        print(nothing)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in ("NAME", "STATUS", "UUID"))
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    _print_trimmed(table)


def show_fields(fields: Mapping[str, object]) -> None:
    """One thing, a line a field."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name, cell(value))
    _print_trimmed(table)


def cell(value: object) -> str:
    """A value of the API as one cell: null is "-", a mapping `a=1, b=2`, a list comma-separated."""
    if value is None or value == "" or value == [] or value == {}:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(key)}={plain(entry)}" for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(entry) for entry in value)
    return plain(value)


def _print_trimmed(table: Any) -> None:
    target = console()
    if target.is_terminal:
        target.print(table)
        return
    with target.capture() as capture:
        target.print(table)
    for line in capture.get().splitlines():
        print(line.rstrip())
