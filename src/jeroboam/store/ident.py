"""Identifiers: what parses as a uuid is looked up as one, by its exact text; anything else is a name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa

from ..domain.names import parses_as_uuid
from .paging import Listing


def named(connection: sa.Connection, listing: Listing, ident: str, bound: Mapping[str, object]) -> sa.CursorResult[Any]:
    """The rows of a list of things with uuid and name that `ident` means."""
    column = "uuid" if parses_as_uuid(ident) else "name"
    return connection.execute(_statement(listing, column), {**bound, "ident": ident})


@cache
def _statement(listing: Listing, column: str) -> sa.Select[Any]:
    return listing.select.where(listing.table.c[column] == sa.bindparam("ident"), listing.where)
