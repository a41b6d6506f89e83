"""Links, times and identities as every v1 answer shows them."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Link(msgspec.Struct):
    """Where a thing is."""

    rel: str
    href: str


class Accepted(msgspec.Struct):
    """What is being worked at."""

    uuid: str


def links(host: str, path: str) -> list[Link]:
    """`self` with the version, `bookmark` without."""
    return [Link("self", f"{host}/v1/{path}"), Link("bookmark", f"{host}/{path}")]


def moment(value: datetime | None) -> str | None:
    """UTC, whole seconds."""
    return None if value is None else value.isoformat(timespec="seconds")
