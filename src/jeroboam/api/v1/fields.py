"""Fields of request bodies: types, limits and coercions of the wire, with Magnum's words for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ...domain.errors import InvalidRequest

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "off", "n", "no"})
_LARGEST = 2**31 - 1  # of an INTEGER column, as upstream has it

Kind = Callable[[str, Any, bool], Any]
"""Turns (field, value, strict) into the value. `strict` is how PATCH is read: no numbers as text. Raises InvalidRequest."""


@dataclass(frozen=True)
class Field:
    """One key of a body. `mandatory` refuses null and absence, `read_only` refuses any value."""

    kind: Kind
    default: Any = None
    mandatory: bool = False
    read_only: bool = False


def wrong(name: str, value: object, reason: str) -> InvalidRequest:
    """Magnum's sentence for a bad value."""
    shown = str(value)[:200]
    return InvalidRequest(
        f"Invalid input for field/attribute {name}. Value: '{shown}'. {reason}", field=name, value=value
    )


def decode(argument: str, fields: Mapping[str, Field], body: object, *, strict: bool = False) -> dict[str, Any]:
    """All fields of a body, absent ones with their defaults. Raises InvalidRequest naming the first that is wrong."""
    if not isinstance(body, dict):
        raise wrong(argument, body, f"Wrong type. Expected an object, got '{type(body)}'")
    for key in body:
        if key not in fields:
            raise InvalidRequest(f"Unknown attribute for argument {argument}: {key}", field=key)
    return {name: _one(name, field, body.get(name), strict=strict) for name, field in fields.items()}


def _one(name: str, field: Field, value: object, *, strict: bool) -> Any:
    if value is None:
        if field.mandatory:
            raise wrong(name, None, "Mandatory field missing.")
        return field.default
    if field.read_only:
        raise wrong(name, value, "Cannot set read only field.")
    return field.kind(name, value, strict)


def text(*, least: int = 1, most: int | None = 255, pattern: str | None = None) -> Kind:
    """Characters without NUL and lone surrogates."""
    matcher = re.compile(pattern) if pattern else None

    def read(name: str, value: Any, strict: bool) -> str:
        if not isinstance(value, str):
            raise wrong(name, value, f"Wrong type. Expected '<class 'str'>', got '{type(value)}'")
        if len(value) < least:
            raise wrong(name, value, f"Value should have a minimum character requirement of {least}")
        if most is not None and len(value) > most:
            raise wrong(name, value, f"Value should have a maximum character requirement of {most}")
        if matcher is not None and not matcher.fullmatch(value):
            raise wrong(name, value, f"Value should match the pattern {pattern}")
        return clean(name, value)

    return read


def clean(name: str, value: str) -> str:
    """Text that every database holds. Raises InvalidRequest."""
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise wrong(name, ascii(value), "Value must not hold NUL characters or lone surrogates")
    return value


def integer(*, least: int | None = None, most: int = _LARGEST) -> Kind:
    """A whole number; in POST also as text, and floats are cut."""

    def read(name: str, value: Any, strict: bool) -> int:
        number = _number(name, value, strict=strict)
        if least is not None and number < least:
            raise wrong(name, value, f"Value should be greater or equal to {least}")
        if number > most:
            raise wrong(name, value, f"Value should be lower or equal to {most}")
        return number

    return read


def _number(name: str, value: Any, *, strict: bool) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    if not strict and isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    raise wrong(name, value, f"Wrong type. Expected '<class 'int'>', got '{type(value)}'")


def boolean(name: str, value: Any, strict: bool) -> bool:
    """JSON's, 0 and 1, or a word."""
    word = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise wrong(name, value, f"Wrong type. Expected '<class 'bool'>', got '{type(value)}'")


def one_of(*words: str) -> Kind:
    """One of these words."""

    def read(name: str, value: Any, strict: bool) -> str:
        if not isinstance(value, str) or value not in words:
            raise wrong(name, value, f"Value should be one of: {', '.join(words)}")
        return value

    return read


def uuid(name: str, value: Any, strict: bool) -> str:
    """A uuid, in its canonical spelling."""
    try:
        return str(UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise wrong(
            name, value, f"unable to convert to uuid. Error: Expected a uuid but received {str(value)[:200]}."
        ) from None


def labels(name: str, value: Any, strict: bool) -> dict[str, str]:
    """An object of text, numbers and booleans, kept as text: True, 5, 1.5."""
    _object(name, value)
    return {_key(name, key): _label(name, one) for key, one in value.items()}


def _label(name: str, value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise wrong(name, value, f"Wrong type. Expected '<class 'str'>', got '{type(value)}'")
    return clean(name, str(value))


def words(name: str, value: Any, strict: bool) -> dict[str, str]:
    """An object of text to text."""
    _object(name, value)
    return {_key(name, key): text(least=0, most=None)(name, one, strict) for key, one in value.items()}


def _object(name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise wrong(name, value, f"Wrong type. Expected '<class 'dict'>', got '{type(value)}'")


def _key(name: str, key: Any) -> str:
    if not isinstance(key, str):
        raise wrong(name, key, f"Wrong type. Expected '<class 'str'>', got '{type(key)}'")
    return clean(name, key)


def texts(name: str, value: Any, strict: bool) -> list[str]:
    """A list of text."""
    if not isinstance(value, list):
        raise wrong(name, value, f"Wrong type. Expected '<class 'list'>', got '{type(value)}'")
    return [text()(name, one, strict) for one in value]


def anything(name: str, value: Any, strict: bool) -> None:
    """Accepted for the sake of clients, and without effect."""
    return
