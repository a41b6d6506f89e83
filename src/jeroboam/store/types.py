"""Column types: values go in and come out as the domain's own, the same on SQLite and PostgreSQL.

What comes out is made by `result_processor` itself, by one call a value: lists read tens of thousands of them a second.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from ..domain.errors import InvalidRequest

Processor = Callable[[Any], Any]
_HALF = 2**63


class Utc(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite keeps text without a zone, so it gets UTC and gives UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        return _moment_of_text if dialect.name == "sqlite" else _moment


class Json(TypeDecorator[Any]):
    """A mapping or a sequence as JSON text; sequences come back as tuples."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        return _of_json


class Word(TypeDecorator[Any]):
    """A member of a string enumeration."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        members: dict[str | None, Any] = {member.value: member for member in self.enum}
        return {None: None, **members}.__getitem__


class Text(TypeDecorator[str]):
    """Text that both databases can hold: no NUL, no lone surrogates."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            pass
        else:
            if "\x00" not in value:
                return value
        raise InvalidRequest("Text must not hold NUL characters or lone surrogates.", value=value[:40])


class Whole(TypeDecorator[int]):
    """A whole number of 64 bits: each driver has an error of its own for a longer one."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and not -_HALF <= value < _HALF:
            raise InvalidRequest("A number is too large for the database (64 bits).")
        return value


def _moment(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _moment_of_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _of_json(value: str | None) -> Any:
    if value is None:
        return None
    decoded = msgspec.json.decode(value)
    return tuple(decoded) if type(decoded) is list else decoded
