"""Rows of several uuids at once, in one statement whose text does not depend on how many they are, where the database can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa


def among(select: sa.Select[Any], column: sa.ColumnElement[str]) -> Mapping[str, sa.Select[Any]]:
    """By dialect; bind `uuids` to a list. SQLite has no arrays, so there each uuid is a parameter of its own, spelt out each time."""
    array = sa.bindparam("uuids", type_=sa.ARRAY(sa.String))
    return {
        "sqlite": select.where(column.in_(sa.bindparam("uuids", expanding=True))),
        "postgresql": select.where(column == sa.any_(array)),
    }
