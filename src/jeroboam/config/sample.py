"""The sample file: every option with its meaning and default, commented out, generated from the declarations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from .groups import GROUPS
from .option import options
from .passed import PASSED

_HEAD = """\
# Configuration of Jeroboam. Every option is shown with its default, commented out.
# Each can also be set by an environment variable: [api] port is JEROBOAM_API__PORT. Variables win over this file.
"""


def sample() -> str:
    """A file that is valid as it stands and changes nothing."""
    parts = [_HEAD]
    for name, group in GROUPS.items():
        lines = [*_comment(group.__doc__ or ""), f"[{name}]"]
        for option in options(group).values():
            shown = option.kind.show(option.default)
            lines += ["", *_comment(f"{option.meaning} ({_first_upper(option.kind.right)}; since {option.since}.)")]
            lines.append(f"#{option.name} = {shown}".rstrip())
        parts.append("\n".join(lines) + "\n")
    parts += ["\n".join(_passed(name)) + "\n" for name in PASSED]
    return "\n".join(parts)


def _passed(name: str) -> Iterator[str]:
    yield from _comment(f"The provider {name}'s own settings.")
    yield f"[{name}]"
    for option in PASSED[name]:
        yield ""
        yield from _comment(option.meaning)
        yield f"#{option.name} = {option.default}".rstrip()


def _comment(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 100, initial_indent="# ", subsequent_indent="# ")


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
