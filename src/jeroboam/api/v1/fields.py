"""Bodies as tables of fields: which keys there are, which must be there, what stands for those that are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...domain.errors import InvalidRequest
from .kinds import Kind, Schema, nullable, wrong


@dataclass(frozen=True)
class Field:
    """One key of a body. `mandatory` refuses null and absence, `read_only` refuses any value."""

    kind: Kind
    default: Any = None
    mandatory: bool = False
    read_only: bool = False

    def schema(self) -> Schema:
        """What may stand at the key; null is as good as absence."""
        if self.read_only:
            return {"type": "null", "readOnly": True}
        if self.mandatory:
            return self.kind.schema()
        shown = nullable(self.kind.schema())
        default = list(self.default) if isinstance(self.default, tuple) else self.default
        return shown if default is None else {**shown, "default": default}


def decode(argument: str, fields: Mapping[str, Field], body: object, *, strict: bool = False) -> dict[str, Any]:
    """All fields of a body, absent ones with their defaults. Raises InvalidRequest naming the first that is wrong."""
    if not isinstance(body, dict):
        raise wrong(argument, body, f"Wrong type. Expected an object, got '{type(body)}'")
    for key in body:
        if key not in fields:
            raise InvalidRequest(f"Unknown attribute for argument {argument}: {key}", field=key)
    return {name: _one(name, field, body.get(name), strict=strict) for name, field in fields.items()}


def schema(fields: Mapping[str, Field]) -> Schema:
    """The bodies that `decode` takes when it is not strict."""
    needed = [name for name, field in fields.items() if field.mandatory]
    return {
        "type": "object",
        "properties": {name: field.schema() for name, field in fields.items()},
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _one(name: str, field: Field, value: object, *, strict: bool) -> Any:
    if value is None:
        if field.mandatory:
            raise wrong(name, None, "Mandatory field missing.")
        return field.default
    if field.read_only:
        raise wrong(name, value, "Cannot set read only field.")
    return field.kind.read(name, value, strict=strict)
