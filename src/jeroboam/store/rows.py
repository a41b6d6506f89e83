"""Between rows and the domain's values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from ..domain import Cluster, ClusterShape, ClusterTemplate
from .tables import SHAPE_FIELDS

T = TypeVar("T")
C = TypeVar("C", Cluster, ClusterTemplate)


def values(thing: Any) -> dict[str, Any]:
    """Column values of a domain value; the shape's fields lie flat beside the others. The id is the database's."""
    flat = {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing) if f.name not in ("shape", "id")}
    if isinstance(thing, Cluster | ClusterTemplate):
        flat.update({name: getattr(thing.shape, name) for name in SHAPE_FIELDS})
    return flat


def plain(cls: type[T], row: Mapping[str, Any]) -> T:
    """A domain value without a shape."""
    return cls(**{name: row[name] for name in _names(cast("Any", cls))})


def shaped(cls: type[C], row: Mapping[str, Any]) -> C:
    """A cluster or template, its shape gathered again."""
    shape = ClusterShape(**{name: row[name] for name in SHAPE_FIELDS})
    return cls(shape=shape, **{name: row[name] for name in _names(cast("Any", cls)) if name != "shape"})


def dicts(result: sa.CursorResult[Any]) -> list[dict[str, Any]]:
    """Rows with plain keys: SQLAlchemy's are a subclass of str that msgspec refuses."""
    keys = [str(key) for key in result.keys()]  # noqa: SIM118 - a result is no mapping
    return [dict(zip(keys, row, strict=True)) for row in result]


@cache
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cls))
