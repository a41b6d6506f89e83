"""Node groups on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ...contracts import ClusterRow
from ...domain import NodeGroup
from ...service.group_changes import NewGroup
from ...service.labels import compare
from . import fields, kinds
from .fields import Field
from .links import Link, links, moment

COLUMNS = {
    **{
        name: name
        for name in [
            "id",
            "uuid",
            "name",
            "project_id",
            "node_count",
            "image_id",
            "flavor_id",
            "min_node_count",
            "max_node_count",
            "is_default",
            "status",
            "status_reason",
            "node_addresses",
            "version",
            "labels",
            "created_at",
            "updated_at",
        ]
    },
    "role": "role_name",
    "cluster_id": "cluster_uuid",
    "docker_volume_size": "docker_volume_size_gib",
    "stack_id": "cluster_uuid",  # every group has its cluster's
}


_TEXT = kinds.Text()
_IGNORED = [
    "is_default",
    "status",
    "status_reason",
    "version",
    "id",
    "uuid",
    "cluster_id",
    "labels_overridden",
    "labels_added",
    "labels_skipped",
]
_READ_ONLY = ("project_id", "node_addresses", "stack_id", "links", "created_at", "updated_at")


_TAINT = ("key", "value", "effect")


@dataclass(frozen=True)
class Taints:
    """A list of objects of `key`, `value` and `effect`, all text. Which effects there are is not the wire's business."""

    def read(self, name: str, value: Any, *, strict: bool = False) -> tuple[dict[str, str], ...]:
        """Every one names its place in errors."""
        if not isinstance(value, list):
            raise kinds.wrong(name, value, f"Wrong type. Expected '<class 'list'>', got '{type(value)}'")
        return tuple(_taint(f"{name}[{number}]", one) for number, one in enumerate(value))

    def schema(self) -> kinds.Schema:
        """An array of objects."""
        keys = {key: {"type": "string"} for key in _TAINT}
        return {"type": "array", "items": {"type": "object", "properties": keys, "additionalProperties": False}}


def _taint(name: str, value: Any) -> dict[str, str]:
    made = kinds.Words().read(name, value)
    if not made.keys() <= set(_TAINT):
        raise kinds.wrong(name, value, "Value has the keys key, value and effect")
    return made


_LIMITS = {
    "min_node_count": Field(kinds.Integer(least=0), default=0),
    "max_node_count": Field(kinds.Integer(least=0)),
    "node_labels": Field(kinds.Words(), default={}),
    "node_taints": Field(Taints(), default=()),
}
CHANGEABLE = frozenset(_LIMITS)
"""All that PATCH may touch."""

BODY: dict[str, Field] = {
    "name": Field(_TEXT, mandatory=True),
    "node_count": Field(kinds.Integer(least=0), default=1),
    **_LIMITS,
    "role": Field(_TEXT, default="worker"),
    "flavor_id": Field(_TEXT),
    "image_id": Field(_TEXT),
    "docker_volume_size": Field(kinds.Integer(least=1)),
    "labels": Field(kinds.Labels()),
    "merge_labels": Field(kinds.Boolean(), default=False),
    **{name: Field(kinds.Anything()) for name in _IGNORED},
    **{name: Field(kinds.Anything(), read_only=True) for name in _READ_ONLY},
}


def wish_of(values: Mapping[str, Any]) -> NewGroup:
    """What a POST asks for."""
    return NewGroup(
        name=values["name"],
        node_count=values["node_count"],
        min_node_count=values["min_node_count"],
        max_node_count=values["max_node_count"],
        role_name=values["role"],
        flavor_id=values["flavor_id"],
        image_id=values["image_id"],
        docker_volume_size_gib=values["docker_volume_size"],
        labels=values["labels"],
        merge_labels=values["merge_labels"],
        node_labels=values["node_labels"],
        node_taints=values["node_taints"],
    )


def document(group: NodeGroup) -> dict[str, Any]:
    """The attributes that PATCH works on."""
    return {name: getattr(group, name) for name in sorted(CHANGEABLE)}


def changed(group: NodeGroup, patched: Mapping[str, Any]) -> NodeGroup:
    """The group as a patched document has it. Raises InvalidRequest."""
    lists = {name: list(value) if isinstance(value, tuple) else value for name, value in patched.items()}
    return replace(group, **fields.decode("nodegroup", _LIMITS, lists, strict=True))


class GroupShort(msgspec.Struct, kw_only=True):
    """What lists show, with the true limits (upstream always shows 0 and null)."""

    uuid: str
    name: str
    flavor_id: str | None
    image_id: str
    node_count: int
    role: str
    is_default: bool
    stack_id: str | None
    status: str
    min_node_count: int
    max_node_count: int | None
    merge_labels: bool = False


class GroupFresh(msgspec.Struct, kw_only=True):
    """As the answer to its POST shows it: without what nobody knows yet."""

    uuid: str
    name: str
    flavor_id: str | None
    image_id: str
    node_count: int
    role: str
    min_node_count: int
    max_node_count: int | None
    merge_labels: bool = False
    cluster_id: str
    project_id: str
    docker_volume_size: int | None
    labels: Mapping[str, str]
    labels_overridden: Mapping[str, str]
    labels_added: Mapping[str, str]
    labels_skipped: Mapping[str, str]
    node_labels: Mapping[str, str]
    node_taints: Sequence[Mapping[str, str]]
    links: list[Link]


class GroupFull(GroupFresh, kw_only=True):
    """Everything."""

    id: int | None
    is_default: bool
    stack_id: str | None
    status: str
    status_reason: str | None
    version: str | None
    node_addresses: Sequence[str]
    created_at: str | None
    updated_at: str | None


def short(group: NodeGroup, stack_id: str | None) -> GroupShort:
    """As lists show it. `stack_id` is the cluster's."""
    return GroupShort(
        uuid=group.uuid,
        name=group.name,
        flavor_id=group.flavor_id,
        image_id=group.image_id,
        node_count=group.node_count,
        role=group.role_name,
        is_default=group.is_default,
        stack_id=stack_id,
        status=group.status,
        min_node_count=group.min_node_count,
        max_node_count=group.max_node_count,
    )


def full(group: NodeGroup, row: ClusterRow, host: str) -> GroupFull:
    """As it is shown alone."""
    cluster = row.cluster
    labels = compare(cluster.shape.labels, group.labels)
    return GroupFull(
        **msgspec.structs.asdict(short(group, cluster.backend_id)),
        id=group.id,
        cluster_id=group.cluster_uuid,
        project_id=group.project_id,
        docker_volume_size=group.docker_volume_size_gib,
        labels=group.labels,
        labels_overridden=labels.overridden,
        labels_added=labels.added,
        labels_skipped=labels.skipped,
        node_labels=group.node_labels,
        node_taints=group.node_taints,
        node_addresses=group.node_addresses,
        status_reason=group.status_reason,
        version=group.version,
        links=links(host, f"clusters/{cluster.uuid}/nodegroups/{group.uuid}"),
        created_at=moment(group.created_at),
        updated_at=moment(group.updated_at),
    )


def fresh(group: NodeGroup, row: ClusterRow, host: str) -> GroupFresh:
    """As the answer to its POST shows it."""
    known = msgspec.structs.asdict(full(group, row, host))
    return GroupFresh(**{name: known[name] for name in GroupFresh.__struct_fields__})
