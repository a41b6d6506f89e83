"""Kinds of values an option may have: how its text is read, how it is written in the sample, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """`parse` raises ValueError for text that is not `right`, a noun phrase such as "a whole number from 1 to 65535"."""

    right: str
    parse: Callable[[str], T]
    show: Callable[[T], str] = str


def text(right: str, *, pattern: str = r"(?s).+") -> Kind[str]:
    """Text that fits the pattern as a whole."""

    def parse(given: str) -> str:
        if not re.fullmatch(pattern, given):
            raise ValueError(given)
        return given

    return Kind(right, parse)


def optional_text(right: str, *, pattern: str = r"(?s).+") -> Kind[str | None]:
    """Like `text`, but None unless it is set."""
    return Kind(right, text(right, pattern=pattern).parse, _shown)


def choice(*names: str) -> Kind[str]:
    """One of these words."""
    return text(f"one of {', '.join(names)}", pattern="|".join(map(re.escape, names)))


def whole(low: int, high: int) -> Kind[int]:
    """A whole number between the bounds, both included."""

    def parse(given: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", given) or not low <= int(given) <= high:
            raise ValueError(given)
        return int(given)

    return Kind(f"a whole number from {low} to {high}", parse)


def seconds(low: float, high: float) -> Kind[float]:
    """A number of seconds between the bounds, both included."""

    def parse(given: str) -> float:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", given) or not low <= float(given) <= high:
            raise ValueError(given)
        return float(given)

    return Kind(f"a number of seconds from {low:g} to {high:g}", parse, lambda value: f"{value:g}")


def flag() -> Kind[bool]:
    """true or false, in the spellings that oslo.config takes."""
    known = dict.fromkeys(("true", "1", "on", "yes"), True) | dict.fromkeys(("false", "0", "off", "no"), False)

    def parse(given: str) -> bool:
        if given.lower() not in known:
            raise ValueError(given)
        return known[given.lower()]

    return Kind("true or false", parse, lambda value: str(value).lower())


def words() -> Kind[tuple[str, ...]]:
    """A comma list; empty parts are dropped."""

    def parse(given: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in given.split(",") if part.strip())

    return Kind("a list, separated by commas", parse, ",".join)


def path(what: str) -> Kind[Path | None]:
    """An absolute path (`~` is the home folder), None unless it is set."""

    def parse(given: str) -> Path:
        try:
            found = Path(given).expanduser()
        except RuntimeError as error:  # ~ of a user who is not known
            raise ValueError(given) from error
        if "\0" in given or not found.is_absolute():
            raise ValueError(given)
        return found

    return Kind(f"the absolute path of {what}", parse, _shown)


def _shown(value: object) -> str:
    return "" if value is None else str(value)
