"""The tables. Columns of what the domain keeps are derived from its dataclasses, so that they cannot drift apart."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ..domain import Cluster, ClusterShape, ClusterTemplate, NodeGroup, Operation, Resource, SignedCertificate, Step
from .types import Json, Text, Utc, Whole, Word

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _type(hint: Any) -> tuple[sa.types.TypeEngine[Any], bool]:
    """Column type and whether it may be NULL."""
    nullable = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
    if nullable:
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    origin = typing.get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return Word(origin), nullable
    simple: dict[Any, sa.types.TypeEngine[Any]] = {
        str: Text(),
        bool: sa.Boolean(),
        int: Whole(),
        datetime: Utc(),
        tuple: Json(),
        Mapping: Json(),
        typing.get_origin(Mapping[str, str]): Json(),
    }
    return simple[origin], nullable


def _columns(*classes: type, skip: frozenset[str] = frozenset({"id", "shape"})) -> list[sa.Column[Any]]:
    columns = []
    for cls in classes:
        hints = typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            if field.name not in skip:
                kind, nullable = _type(hints[field.name])
                columns.append(sa.Column(field.name, kind, nullable=nullable))
    return columns


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True)


templates = sa.Table(
    "cluster_templates",
    metadata,
    _id(),
    *_columns(ClusterTemplate, ClusterShape),
    sa.UniqueConstraint("uuid"),
    sa.Index(None, "project_id", "id"),
    sa.Index(None, "public", "hidden"),
    sa.Index(None, "name"),
)
clusters = sa.Table(
    "clusters",
    metadata,
    _id(),
    *_columns(Cluster, ClusterShape),
    sa.Column("health_seen_at", Utc(), nullable=True),
    sa.UniqueConstraint("uuid"),
    sa.Index(None, "project_id", "id"),
    sa.Index(None, "name"),
    sa.Index(None, "template_uuid"),
    sa.Index(None, "status", "health_seen_at"),
)
node_groups = sa.Table(
    "node_groups",
    metadata,
    _id(),
    *_columns(NodeGroup),
    sa.ForeignKeyConstraint(["cluster_uuid"], ["clusters.uuid"], ondelete="CASCADE"),
    sa.UniqueConstraint("uuid"),
    sa.UniqueConstraint("cluster_uuid", "name"),
)
operations = sa.Table(
    "operations",
    metadata,
    _id(),
    *_columns(Operation),
    sa.UniqueConstraint("uuid"),
    sa.Index(None, "cluster_uuid", "id"),
    sa.Index(None, "state", "id"),
)
steps = sa.Table("steps", metadata, _id(), *_columns(Step), sa.Index(None, "operation_uuid", "id"))
resources = sa.Table(
    "resources", metadata, _id(), *_columns(Resource), sa.UniqueConstraint("cluster_uuid", "kind", "name")
)
certificates = sa.Table("certificates", metadata, _id(), *_columns(SignedCertificate), sa.Index(None, "cluster_uuid"))
secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("cluster_uuid", Text(), primary_key=True),
    sa.Column("name", Text(), primary_key=True),
    sa.Column("sealed", sa.LargeBinary(), nullable=False),
)
quotas = sa.Table(
    "quotas",
    metadata,
    _id(),
    sa.Column("project_id", Text(), nullable=False),
    sa.Column("resource", Text(), nullable=False),
    sa.Column("hard_limit", Whole(), nullable=False),
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("updated_at", Utc(), nullable=True),
    sa.UniqueConstraint("project_id", "resource"),
)
services = sa.Table(
    "services",
    metadata,
    _id(),
    sa.Column("host", Text(), nullable=False),
    sa.Column("binary", Text(), nullable=False),
    sa.Column("report_count", sa.BigInteger(), nullable=False),
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("last_seen_at", Utc(), nullable=False),
    sa.UniqueConstraint("host", "binary"),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("executor_id", Text(), primary_key=True),
    sa.Column("token", Text(), nullable=False),
    sa.Column("host", Text(), nullable=False),
    sa.Column("beats", sa.BigInteger(), nullable=False),
    sa.Column("taken_at", Utc(), nullable=False),
    sa.Column("beaten_at", Utc(), nullable=False),
)
schema_floor = sa.Table(
    "schema_floor",
    metadata,
    sa.Column(
        "revision", sa.Text(), primary_key=True
    ),  # the oldest one that a program must know to serve; see schema.py
)
events = sa.Table(
    "events",
    metadata,
    _id(),
    sa.Column("uuid", Text(), nullable=False),
    sa.Column("cluster_uuid", Text(), nullable=False),
    sa.Column("action", Text(), nullable=False),
    sa.Column("outcome", Text(), nullable=False),
    sa.Column("user_id", Text(), nullable=False),
    sa.Column("project_id", Text(), nullable=False),
    sa.Column("request_id", Text(), nullable=False),
    sa.Column("happened_at", Utc(), nullable=False),
    sa.Column("cluster", Json(), nullable=False),
    sa.Column("groups", Json(), nullable=False),
    sa.Column("reason", Text(), nullable=True),
    sa.Column("attempts", sa.BigInteger(), nullable=False),
    sa.Column("due_at", Utc(), nullable=False),
    sa.UniqueConstraint("uuid"),
    sa.Index(None, "cluster_uuid", "id"),
)

SHAPE_FIELDS = tuple(field.name for field in dataclasses.fields(ClusterShape))
