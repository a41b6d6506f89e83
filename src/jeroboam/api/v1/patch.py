"""Magnum's dialect of JSON-Patch, as a function from document to document. Source: API contract, section 2.3."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ...domain.errors import InvalidRequest
from .kinds import Schema, wrong

_PATH = re.compile(r"(/[\w-]+)+")
_OPS = ("add", "replace", "remove")
_VALUES = ["string", "integer", "boolean", "object", "array", "null"]  # floats are refused
_INTERNAL = frozenset({"created_at", "id", "links", "updated_at", "uuid", "project_id", "user_id"})
_COMPOSITE = frozenset({"labels", "health_status_reason", "node_labels", "node_taints"})
_LONGEST_LITERAL = 65_536
_MOST_OPERATIONS = 1000


@dataclass(frozen=True)
class Change:
    """One entry. `path` without its slashes."""

    op: str
    path: tuple[str, ...]
    value: Any

    @property
    def where(self) -> str:
        """The path as it came."""
        return "/" + "/".join(self.path)

    def printed(self) -> dict[str, Any]:
        """As Magnum prints it in errors."""
        shown = {"path": self.where, "op": self.op}
        return shown if self.op == "remove" else shown | {"value": self.value}


def decode(
    body: object,
    *,
    internal: Collection[str] = (),
    mandatory: Collection[str] = (),
    only: Collection[str] | None = None,
) -> list[Change]:
    """The entries of a body, each possible in itself. With `only`, every other attribute is internal. Raises InvalidRequest."""
    if not isinstance(body, list):
        raise wrong("patch", body, f"Wrong type. Expected '[JsonPatch]', got '{type(body)}'")
    if len(body) > _MOST_OPERATIONS:
        raise InvalidRequest(
            f"A patch has at most {_MOST_OPERATIONS} operations, this one has {len(body)}.", field="patch"
        )
    closed = _INTERNAL.union(internal)
    return [_checked(_entry(one), closed, mandatory, only) for one in body]


def schema(only: Collection[str] | None = None) -> Schema:
    """The bodies that are worth a look, as JSON Schema. What an entry does to a document no schema tells."""
    root = "[\\w-]+" if only is None else f"({'|'.join(sorted(only))})"
    entry = {
        "type": "object",
        "properties": {
            "op": {"type": "string", "enum": list(_OPS)},
            "path": {"type": "string", "pattern": f"^/{root}(/[\\w-]+)*$"},
            "value": {"type": _VALUES},
        },
        "required": ["op", "path"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": entry, "maxItems": _MOST_OPERATIONS}


def _entry(one: object) -> Change:
    if not isinstance(one, dict):
        raise wrong("patch", one, f"Wrong type. Expected an object, got '{type(one)}'")
    for key in one:
        if key not in ("op", "path", "value"):
            raise InvalidRequest(f"Unknown attribute for argument patch: {key}", field=key)
    op, path, value = one.get("op"), one.get("path"), one.get("value")
    for name, given in (("path", path), ("op", op)):
        if given is None:
            raise wrong(name, None, "Mandatory field missing.")
    if op not in _OPS:
        raise wrong("op", op, f"Value should be one of: {', '.join(_OPS)}")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise wrong("path", path, r"Value should match the pattern ^(/[\w-]+)+$")
    if op != "remove" and value is None:
        raise InvalidRequest("'add' and 'replace' operations needs value", field=path)
    return Change(str(op), tuple(path.split("/")[1:]), value)


def _checked(
    change: Change, internal: Collection[str], mandatory: Collection[str], only: Collection[str] | None
) -> Change:
    if change.path[0] in internal or (only is not None and change.path[0] not in only):
        raise InvalidRequest(f"'{change.where}' is an internal attribute and can not be updated", field=change.where)
    if change.op == "remove" and len(change.path) == 1 and change.path[0] in mandatory:
        raise InvalidRequest(f"'{change.where}' is a mandatory attribute and can not be removed", field=change.where)
    if isinstance(change.value, float):
        raise wrong(
            "value", change.value, "Wrong type. Expected '(<class 'str'>, <class 'int'>)', got '<class 'float'>'"
        )
    return change


def apply(changes: Sequence[Change], document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with all changes, in order; the given one is left as it is. Raises InvalidRequest."""
    result = {key: dict(value) if isinstance(value, Mapping) else value for key, value in document.items()}
    for change in changes:
        if len(change.path) == 1:
            _at_root(change, changes, result)
        else:
            _inside(change, changes, result)
    return result


def _at_root(change: Change, changes: Sequence[Change], result: dict[str, Any]) -> None:
    name = change.path[0]
    if change.op == "add":
        if name not in result:
            raise InvalidRequest(
                f"Adding a new attribute /{name} to the root of the resource is not allowed.", field=name
            )
        if result[name] is not None:
            raise InvalidRequest(
                f"The attribute /{name} has existed, please use 'replace' operation instead.", field=name
            )
    elif name not in result:
        raise _impossible(changes, f"can't {change.op} a non-existent object '{name}'")
    result[name] = None if change.op == "remove" else _composite(change, changes)


def _inside(change: Change, changes: Sequence[Change], result: dict[str, Any]) -> None:
    name, key = change.path[0], change.path[1]
    inner = result.get(name)
    if inner is None and name in result and name in _COMPOSITE:
        inner = result[name] = {}
    if not isinstance(inner, dict) or len(change.path) > 2:
        raise _impossible(changes, f"member '{change.path[-2]}' not found or no object in {name}")
    if change.op != "add" and key not in inner:
        raise _impossible(changes, f"can't {change.op} a non-existent object '{key}'")
    if change.op == "remove":
        del inner[key]
    else:
        inner[key] = change.value


def _composite(change: Change, changes: Sequence[Change]) -> Any:
    """Objects and lists come as they are, or as text that holds a Python literal or JSON."""
    value = change.value
    if change.path[0] not in _COMPOSITE or not isinstance(value, str):
        return value
    try:
        return _literal(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise _impossible(changes, f"{change.where}: {error}") from None


def _literal(text: str) -> Any:
    if len(text) > _LONGEST_LITERAL:
        raise ValueError(f"more than {_LONGEST_LITERAL} characters")
    try:
        return msgspec.json.decode(text.encode(errors="replace"))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ast.literal_eval(text.strip())


def _impossible(changes: Sequence[Change], reason: str) -> InvalidRequest:
    printed = str([change.printed() for change in changes])[:1000]
    return InvalidRequest(f"Couldn't apply patch '{printed}'. Reason: {reason}", field="patch")
