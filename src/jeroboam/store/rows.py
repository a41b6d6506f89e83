"""Between rows and the domain's values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
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


def read(cls: type[T], table: sa.Table, found: sa.CursorResult[Any]) -> list[T]:
    """All rows of a `SELECT` of a whole table as domain values, by position: lists are read by the thousand."""
    build = _builder(cast("Any", cls), table)
    return [build(row) for row in found.all()]  # by `all` the driver fetches them at once


@cache
def _builder(cls: Any, table: sa.Table) -> Callable[[Sequence[Any]], Any]:
    names = tuple(name for name in _names(cls) if name != "shape")
    own = _picked(table, names)
    if "shape" not in _names(cls):
        return lambda row: _filled(cls, zip(names, own(row), strict=True))
    of_shape = _picked(table, SHAPE_FIELDS)

    def shaped(row: Sequence[Any]) -> Any:
        made = _filled(cls, zip(names, own(row), strict=True))
        made.__dict__["shape"] = _filled(ClusterShape, zip(SHAPE_FIELDS, of_shape(row), strict=True))
        return made

    return shaped


def _picked(table: sa.Table, names: Sequence[str]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """These columns of a row: a slice where they lie side by side, as tables.py puts them."""
    order = [str(key) for key in table.c.keys()]  # noqa: SIM118 - columns are no mapping
    places = [order.index(name) for name in names]
    if places == list(range(places[0], places[0] + len(places))):
        return itemgetter(slice(places[0], places[-1] + 1))
    return itemgetter(*places)


def _filled(cls: type[T], fields: Iterable[tuple[str, Any]]) -> T:
    """A frozen value without a call of its constructor, which sets each field of a frozen class by a call: three times as slow.

    The domain's values compute nothing when they are made, or this would pass it by; a test holds that.
    """
    made = object.__new__(cls)
    made.__dict__.update(fields)
    return made


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
