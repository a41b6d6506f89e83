"""Node groups on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ...contracts import ClusterRow
from ...domain import NodeGroup
from ...service.group_changes import NewGroup
from ...service.labels import compare
from . import fields
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


_TEXT = fields.text()
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


def taints(name: str, value: Any, strict: bool) -> tuple[dict[str, str], ...]:
    """A list of objects of `key`, `value` and `effect`, all text. Which effects there are is not the wire's business."""
    if not isinstance(value, list):
        raise fields.wrong(name, value, f"Wrong type. Expected '<class 'list'>', got '{type(value)}'")
    made = []
    for number, entry in enumerate(value):
        taint = fields.words(f"{name}[{number}]", entry, strict)
        for key in taint:
            if key not in ("key", "value", "effect"):
                raise fields.wrong(f"{name}[{number}]", entry, "Value has the keys key, value and effect")
        made.append(taint)
    return tuple(made)


_LIMITS = {
    "min_node_count": Field(fields.integer(least=0), default=0),
    "max_node_count": Field(fields.integer(least=0)),
    "node_labels": Field(fields.words, default={}),
    "node_taints": Field(taints, default=()),
}
CHANGEABLE = frozenset(_LIMITS)
"""All that PATCH may touch."""

BODY: dict[str, Field] = {
    "name": Field(_TEXT, mandatory=True),
    "node_count": Field(fields.integer(least=0), default=1),
    **_LIMITS,
    "role": Field(_TEXT, default="worker"),
    "flavor_id": Field(_TEXT),
    "image_id": Field(_TEXT),
    "docker_volume_size": Field(fields.integer(least=1)),
    "labels": Field(fields.labels),
    "merge_labels": Field(fields.boolean, default=False),
    **{name: Field(fields.anything) for name in _IGNORED},
    **{name: Field(fields.anything, read_only=True) for name in _READ_ONLY},
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


class GroupFull(GroupShort, kw_only=True):
    """Everything."""

    id: int | None
    cluster_id: str
    project_id: str
    docker_volume_size: int | None
    labels: Mapping[str, str]
    labels_overridden: Mapping[str, str]
    labels_added: Mapping[str, str]
    labels_skipped: Mapping[str, str]
    node_labels: Mapping[str, str]
    node_taints: Sequence[Mapping[str, str]]
    node_addresses: Sequence[str]
    status_reason: str | None
    version: str | None
    links: list[Link]
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


_NOT_YET = frozenset({"id", "status", "status_reason", "stack_id", "node_addresses", "is_default", "version"})


def fresh(group: NodeGroup, row: ClusterRow, host: str) -> dict[str, Any]:
    """As the answer to its POST shows it: without what nobody knows yet."""
    shown = msgspec.structs.asdict(full(group, row, host))
    return {name: value for name, value in shown.items() if name not in _NOT_YET | {"created_at", "updated_at"}}
