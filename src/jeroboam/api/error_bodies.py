"""Bodies of errors: Magnum's shape, and the two that other parts of an OpenStack answer with."""

from __future__ import annotations

import msgspec


class ErrorEntry(msgspec.Struct, kw_only=True):
    """What is wrong. `code` is "client", "server", or empty when no endpoint was reached; `title` is `detail` up to its first full stop."""

    request_id: str = ""
    code: str
    status: int
    title: str
    detail: str
    links: list[str] = []


class Errors(msgspec.Struct):
    """Always one entry."""

    errors: list[ErrorEntry]


class HelpLink(msgspec.Struct):
    """Where to read on."""

    rel: str
    href: str


class UnsupportedEntry(msgspec.Struct):
    """A microversion that does not exist, and those that do."""

    code: str
    title: str
    min_version: str
    max_version: str
    links: list[HelpLink]


class Unsupported(msgspec.Struct):
    """Always one entry."""

    errors: list[UnsupportedEntry]


class UnauthenticatedEntry(msgspec.Struct):
    """Nobody knows the caller."""

    code: int
    title: str
    message: str


class Unauthorized(msgspec.Struct):
    """As keystonemiddleware answers in Magnum's stead."""

    error: UnauthenticatedEntry
