"""Identifiers: what parses as a uuid is looked up as one, by its exact text; anything else is a name."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa


def is_uuid(ident: str) -> bool:
    """True for every spelling that parses."""
    try:
        UUID(ident)
    except ValueError:
        return False
    return True


def matches(table: sa.Table, ident: str) -> sa.ColumnElement[bool]:
    """The condition that finds `ident` in a table with uuid and name."""
    return table.c.uuid == ident if is_uuid(ident) else table.c.name == ident
