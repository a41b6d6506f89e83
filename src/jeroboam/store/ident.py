"""Identifiers: what parses as a uuid is looked up as one, by its exact text; anything else is a name."""

from __future__ import annotations

import sqlalchemy as sa

from ..domain.names import parses_as_uuid


def matches(table: sa.Table, ident: str) -> sa.ColumnElement[bool]:
    """The condition that finds `ident` in a table with uuid and name."""
    return table.c.uuid == ident if parses_as_uuid(ident) else table.c.name == ident
