"""What no service would take, said in the command line's words before one is asked. What depends on the service is left to it."""

from __future__ import annotations

import re

from .errors import Usage

_MOST = 242
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]*")


def cluster_name(text: str) -> str:
    """The name as it is. Raises Usage for what cannot be the name of a cluster."""
    if not _NAME.fullmatch(text) or len(text) > _MOST:
        hint = f"Begin with a letter, go on with letters, digits, `_`, `.` and `-`; at most {_MOST} characters."
        raise Usage(f"{text!r} cannot be the name of a cluster.", hint=hint)
    return text


def at_least(least: int, **given: int | None) -> None:
    """Raises Usage, naming option and value, for a number below `least`. The keywords are the options, with `_` for `-`."""
    for name, number in given.items():
        if number is not None and number < least:
            raise Usage(f"--{name.replace('_', '-')} {number} is too few: give at least {least}.")
