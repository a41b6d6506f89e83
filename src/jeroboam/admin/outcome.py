"""How a command of this machine tells that it failed: a sentence and the next move on stderr, or JSON where that was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from ..domain.errors import ConfigError, InvalidRequest, JeroboamError


def tell(error: JeroboamError, code: int, *, as_json: bool = False) -> int:
    """Print the error; the exit code is handed through."""
    notes: list[str] = getattr(error, "__notes__", [])
    if as_json:
        body = {"message": error.message, "hint": error.hint, "exit_code": code} | ({"notes": notes} if notes else {})
        print(json.dumps({"error": body}, ensure_ascii=False), file=sys.stderr)
        return code
    print(f"Error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"       {error.hint}", file=sys.stderr)
    for note in notes:
        print(f"       {note}", file=sys.stderr)
    return code


def tell_usage(error: JeroboamError, *, as_json: bool = False) -> int:
    """Print the error; the exit code is 2 when the command is wrong, else 1."""
    return tell(error, 2 if isinstance(error, ConfigError | InvalidRequest) else 1, as_json=as_json)


def framed(work: Callable[[], None], *, kept: str, as_json: bool = False) -> int:
    """The exit code: 0, 1 when it could not be done, 2 when the command is wrong, 130 after Ctrl-C; the reason goes to stderr.
    `kept` says what is left after Ctrl-C, where no note of the interrupt does."""
    try:
        work()
    except JeroboamError as error:
        return tell_usage(error, as_json=as_json)
    except KeyboardInterrupt as stop:
        print(f"Stopped. {' '.join(getattr(stop, '__notes__', [kept]))}", file=sys.stderr)
        return 130
    return 0
