"""Keyset paging: a page begins after the row that the marker names, in the order asked for, ties broken by id.

Statements are made once for each form of a page and kept: SQLAlchemy takes longer to put one together than SQLite to answer it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ..contracts import Page
from ..domain.errors import InvalidRequest, NotFound

_FORMS = 1024
_GREATEST_ID = 2**63 - 1  # of a column of 64 bits; drivers refuse more


@dataclass(frozen=True, eq=False)
class Listing:
    """Something that is listed. Make one for each list, once: it is the key under which its statements are kept.

    `select` gives what a list shows of `table`; `where` says whose, with bound parameters; `by` is the column of markers.
    """

    table: sa.Table
    kind: str
    select: sa.Select[Any]
    where: sa.ColumnElement[bool]
    by: str = "uuid"


def page_of(
    connection: sa.Connection, listing: Listing, page: Page, bound: Mapping[str, object]
) -> sa.CursorResult[Any]:
    """The rows of one page. Raises InvalidRequest for a sort key that is no column, NotFound for a marker that is not there."""
    if page.sort_key not in listing.table.c:
        raise InvalidRequest(
            f'The sort_key value "{page.sort_key}" is an invalid field for sorting',
            field="sort_key",
            value=page.sort_key,
        )
    parameters: dict[str, object] = {**bound, "page_limit": page.limit}
    begins = ""
    if page.marker is not None:
        row = _row_of(connection, listing, page, page.marker, bound)
        if row is None:
            raise NotFound(listing.kind, page.marker)
        begins = "after NULL" if row[0] is None else "after"
        parameters |= {"page_tie": row[1]} | ({} if row[0] is None else {"page_value": row[0]})
    return connection.execute(_statement(listing, page.sort_key, page.descending, begins), parameters)


def _row_of(
    connection: sa.Connection, listing: Listing, page: Page, marker: str, bound: Mapping[str, object]
) -> tuple[Any, Any] | None:
    """Sort key and id of the row that the marker names."""
    value = int(marker) if listing.by == "id" else marker
    if isinstance(value, int) and value > _GREATEST_ID:
        return None
    found = connection.execute(_marked(listing, page.sort_key), {**bound, "page_marker": value}).first()
    return found and (found[0], found[1])


@lru_cache(_FORMS)
def _marked(listing: Listing, sort_key: str) -> sa.Select[Any]:
    table = listing.table
    marked = table.c[listing.by] == sa.bindparam("page_marker")
    return sa.select(table.c[sort_key], table.c.id).where(listing.where, marked)


@lru_cache(_FORMS)
def _statement(listing: Listing, sort_key: str, descending: bool, begins: str) -> sa.Select[Any]:
    key, tie = listing.table.c[sort_key], listing.table.c.id
    order = sa.desc if descending else sa.asc
    statement = listing.select.where(listing.where)
    if begins:
        statement = statement.where(_after(key, tie, null=begins == "after NULL", descending=descending))
    first = order(key).nulls_first() if key.nullable else order(key)
    # By id alone where that is the key: a second time it would keep SQLite from seeing that its index has the order.
    by = (first,) if key is tie else (first, order(tie))
    return statement.order_by(*by).limit(sa.bindparam("page_limit"))


def _after(key: sa.Column[Any], tie: sa.Column[Any], *, null: bool, descending: bool) -> sa.ColumnElement[bool]:
    """NULLs come first in both directions, so that the comparison stays the same on both databases."""
    tie_value = sa.bindparam("page_tie", type_=tie.type)
    beyond_tie = tie < tie_value if descending else tie > tie_value
    if key is tie:
        return beyond_tie
    if null:
        return sa.or_(sa.and_(key.is_(None), beyond_tie), key.is_not(None))
    value = sa.bindparam("page_value", type_=key.type)
    beyond = key < value if descending else key > value
    return sa.or_(beyond, sa.and_(key == value, beyond_tie))
