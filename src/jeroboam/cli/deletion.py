"""Deleting several things by name: what can go goes, each is told of, the worst exit code counts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from .errors import CliError, Usage
from .options import Common, show_error
from .output import plain, show_json
from .wire import Json


def delete_each(
    idents: Iterable[str], delete_one: Callable[[str], Json], told: Callable[[Json], str], common: Common
) -> int:
    """Run `delete_one` for each name once; `told` makes the sentence about its result."""
    done: list[Json] = []
    code = 0
    for ident in dict.fromkeys(idents):
        try:
            result = delete_one(ident)
        except CliError as error:
            if error.exit_code == 130:
                raise
            show_error(error, as_json=common.json)
            code = max(code, error.exit_code)
            continue
        done.append(result)
        if not common.json:
            print(plain(told(result)))
    if common.json:
        show_json(done)
    return code


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; on a pipe the command is the answer. Raises Usage when the answer is no."""
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    print(f"{plain(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Usage("Nothing is deleted.", hint="Answer y, or give --yes.")
