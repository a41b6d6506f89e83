"""Kinds of values on the wire: each reads a value with Magnum's words for what is wrong, and says as JSON Schema what it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from ...domain.errors import InvalidRequest

Schema = dict[str, Any]
"""JSON Schema 2020-12, as OpenAPI 3.1 has it."""

_LARGEST = 2**31 - 1  # of an INTEGER column, as upstream has it
_INTEGER = r"[+-]?[0-9]{1,30}"
_IS_INTEGER = re.compile(_INTEGER)
_TRUE = ("1", "t", "true", "on", "y", "yes")
_FALSE = ("0", "f", "false", "off", "n", "no")
_UUID = r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"


class Kind(Protocol):
    """What a value may be."""

    def read(self, name: str, value: Any, *, strict: bool = False) -> Any:
        """The value of field `name` as the service takes it. `strict` is how PATCH is read: no numbers as text. Raises InvalidRequest."""
        ...

    def schema(self) -> Schema:
        """The values that `read` takes when it is not strict. What JSON Schema cannot say is taken, too."""
        ...


def wrong(name: str, value: object, reason: str) -> InvalidRequest:
    """Magnum's sentence for a bad value."""
    shown = str(value)[:200]
    return InvalidRequest(
        f"Invalid input for field/attribute {name}. Value: '{shown}'. {reason}", field=name, value=value
    )


def clean(name: str, value: str) -> str:
    """Text that every database holds. Raises InvalidRequest."""
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise wrong(name, ascii(value), "Value must not hold NUL characters or lone surrogates")
    return value


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if "type" not in schema:
        return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]} if schema else {}
    known = schema["type"]
    made = {**schema, "type": [*([known] if isinstance(known, str) else known), "null"]}
    return made if "enum" not in schema else {**made, "enum": [*schema["enum"], None]}


@dataclass(frozen=True)
class Text:
    """Characters without NUL and lone surrogates. `pattern` is for the whole of it; `most` None: as long as the body may be."""

    least: int = 1
    most: int | None = 255
    pattern: str | None = None
    examples: tuple[str, ...] = ()

    def read(self, name: str, value: Any, *, strict: bool = False) -> str:
        """Not `strict` either: a number is no text."""
        if not isinstance(value, str):
            raise wrong(name, value, f"Wrong type. Expected '<class 'str'>', got '{type(value)}'")
        if len(value) < self.least:
            raise wrong(name, value, f"Value should have a minimum character requirement of {self.least}")
        if self.most is not None and len(value) > self.most:
            raise wrong(name, value, f"Value should have a maximum character requirement of {self.most}")
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            raise wrong(name, value, f"Value should match the pattern {self.pattern}")
        return clean(name, value)

    def schema(self) -> Schema:
        """A string."""
        limits = {"minLength": self.least or None, "maxLength": self.most, "pattern": self.pattern}
        known = {"examples": list(self.examples)} if self.examples else {}
        return {"type": "string", **{key: value for key, value in limits.items() if value is not None}, **known}


@dataclass(frozen=True)
class Integer:
    """A whole number from `least` to `most`; when it is not read strictly also as text. Floats are cut."""

    least: int | None = None
    most: int = _LARGEST

    def read(self, name: str, value: Any, *, strict: bool = False) -> int:
        """Its type first, then its limits."""
        number = _number(name, value, strict=strict)
        if self.least is not None and number < self.least:
            raise wrong(name, value, f"Value should be greater or equal to {self.least}")
        if number > self.most:
            raise wrong(name, value, f"Value should be lower or equal to {self.most}")
        return number

    def schema(self) -> Schema:
        """An integer, or its digits. That floats are cut is kept for old clients, and not told to new ones."""
        limits = {} if self.least is None else {"minimum": self.least}
        return {"type": ["integer", "string"], **limits, "maximum": self.most, "pattern": f"^{_INTEGER}$"}


def _number(name: str, value: Any, *, strict: bool) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    if not strict and isinstance(value, str) and _IS_INTEGER.fullmatch(value.strip()):
        return int(value)
    raise wrong(name, value, f"Wrong type. Expected '<class 'int'>', got '{type(value)}'")


@dataclass(frozen=True)
class Boolean:
    """JSON's, 0 and 1, or a word in any case."""

    def read(self, name: str, value: Any, *, strict: bool = False) -> bool:
        """Words are taken by PATCH, too."""
        word = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise wrong(name, value, f"Wrong type. Expected '<class 'bool'>', got '{type(value)}'")

    def schema(self) -> Schema:
        """JSON Schema's patterns know no "in any case"."""
        words = "|".join("".join(_either(letter) for letter in word) for word in (*_TRUE, *_FALSE))
        return {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, {"type": "string", "pattern": f"^({words})$"}]}


def _either(letter: str) -> str:
    return f"[{letter}{letter.upper()}]" if letter.isalpha() else letter


@dataclass(frozen=True)
class OneOf:
    """One of these words."""

    words: tuple[str, ...]

    def read(self, name: str, value: Any, *, strict: bool = False) -> str:
        """To the letter."""
        if not isinstance(value, str) or value not in self.words:
            raise wrong(name, value, f"Value should be one of: {', '.join(self.words)}")
        return value

    def schema(self) -> Schema:
        """An enumeration."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class Uuid:
    """A uuid, read into its canonical spelling."""

    def read(self, name: str, value: Any, *, strict: bool = False) -> str:
        """Dashes may be missing."""
        try:
            return str(UUID(value))
        except (ValueError, AttributeError, TypeError):
            reason = f"unable to convert to uuid. Error: Expected a uuid but received {str(value)[:200]}."
            raise wrong(name, value, reason) from None

    def schema(self) -> Schema:
        """Not by "format": that one wants the dashes."""
        return {"type": "string", "pattern": _UUID}


@dataclass(frozen=True)
class Labels:
    """An object of text, numbers and booleans, kept as text: True, 5, 1.5."""

    def read(self, name: str, value: Any, *, strict: bool = False) -> dict[str, str]:
        """Every value as text."""
        _check_object(name, value)
        return {_key(name, key): _label(name, one) for key, one in value.items()}

    def schema(self) -> Schema:
        """An object."""
        return {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}


def _label(name: str, value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise wrong(name, value, f"Wrong type. Expected '<class 'str'>', got '{type(value)}'")
    return clean(name, str(value))


@dataclass(frozen=True)
class Words:
    """An object of text to text."""

    def read(self, name: str, value: Any, *, strict: bool = False) -> dict[str, str]:
        """As it is."""
        _check_object(name, value)
        return {_key(name, key): Text(least=0, most=None).read(name, one) for key, one in value.items()}

    def schema(self) -> Schema:
        """An object."""
        return {"type": "object", "additionalProperties": {"type": "string"}}


def _check_object(name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise wrong(name, value, f"Wrong type. Expected '<class 'dict'>', got '{type(value)}'")


def _key(name: str, key: Any) -> str:
    if not isinstance(key, str):
        raise wrong(name, key, f"Wrong type. Expected '<class 'str'>', got '{type(key)}'")
    return clean(name, key)


@dataclass(frozen=True)
class Texts:
    """A list of text."""

    def read(self, name: str, value: Any, *, strict: bool = False) -> list[str]:
        """As it is."""
        if not isinstance(value, list):
            raise wrong(name, value, f"Wrong type. Expected '<class 'list'>', got '{type(value)}'")
        return [Text().read(name, one) for one in value]

    def schema(self) -> Schema:
        """An array."""
        return {"type": "array", "items": Text().schema()}


@dataclass(frozen=True)
class Anything:
    """Accepted for the sake of clients, and without effect."""

    def read(self, name: str, value: Any, *, strict: bool = False) -> None:
        """Nothing comes of it."""

    def schema(self) -> Schema:
        """No limits."""
        return {}
