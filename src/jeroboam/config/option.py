"""A declared option: a field of a frozen dataclass that knows its kind, its meaning and since when it is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import Kind, T


@dataclass(frozen=True)
class Option:
    """What is known of an option besides its value. The value of a `secret` one is not shown in errors and reprs."""

    name: str
    kind: Kind[Any]
    default: Any
    meaning: str
    since: str
    secret: bool


def option(default: T, kind: Kind[T], meaning: str, *, since: str = "0.1", secret: bool = False) -> T:
    """Declares a field of a group. `default` None means that it follows from something else; `meaning` says what."""
    more = {"kind": kind, "meaning": meaning, "since": since, "secret": secret}
    declared: T = dataclasses.field(default=default, repr=not secret, metadata=more)
    return declared


def options(group: type) -> Mapping[str, Option]:
    """The options that a group declares, by name, in order."""
    return {
        field.name: Option(name=field.name, default=field.default, **field.metadata)
        for field in dataclasses.fields(group)
    }
