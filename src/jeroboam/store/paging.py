"""Keyset paging: a page begins after the row that the marker names, in the order asked for, ties broken by id."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ..contracts import Page
from ..domain.errors import InvalidRequest, NotFound


async def paged(
    connection: AsyncConnection,
    table: sa.Table,
    where: sa.ColumnElement[bool],
    page: Page,
    kind: str,
    *,
    by: str = "uuid",
) -> sa.Select[tuple[object, ...]]:
    """The statement for one page; the marker is a value of the column `by`.

    Raises InvalidRequest for a sort key that is no column, NotFound for a marker that is not there.
    """
    if page.sort_key not in table.c:
        raise InvalidRequest(
            f'The sort_key value "{page.sort_key}" is an invalid field for sorting',
            field="sort_key",
            value=page.sort_key,
        )
    key, order = table.c[page.sort_key], sa.desc if page.descending else sa.asc
    statement = sa.select(table).where(where)
    if page.marker is not None:
        marked = table.c[by] == (int(page.marker) if by == "id" else page.marker)
        found = await connection.execute(sa.select(key, table.c.id).where(where, marked))
        row = found.first()
        if row is None:
            raise NotFound(kind, page.marker)
        statement = statement.where(_after(key, table.c.id, row[0], row[1], descending=page.descending))
    return statement.order_by(order(key).nulls_first(), order(table.c.id)).limit(page.limit)


def _after(
    key: sa.Column[object], tie: sa.Column[object], value: object, tie_value: object, *, descending: bool
) -> sa.ColumnElement[bool]:
    """NULLs come first in both directions, so that the comparison stays the same on both databases."""
    beyond_tie = tie < tie_value if descending else tie > tie_value
    if value is None:
        return sa.or_(sa.and_(key.is_(None), beyond_tie), key.is_not(None))
    beyond = key < value if descending else key > value
    return sa.or_(beyond, sa.and_(key == value, beyond_tie))
