"""Clusters on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ...contracts import ClusterBrief, ClusterRow
from ...domain import FAILED, ClusterTemplate, Health, NodeGroup, Role, Status
from ...service.labels import compare
from ...service.wishes import NewCluster
from ..microversion import Version
from . import kinds
from .fields import Field
from .links import Link, links, moment

_TEXT = kinds.Text()
_IGNORED = ("status_reason", "faults", "labels_overridden", "labels_added", "labels_skipped")
_READ_ONLY = [
    "stack_id",
    "cluster_id",
    "api_address",
    "coe_version",
    "container_version",
    "node_addresses",
    "master_addresses",
    "project_id",
    "user_id",
    "links",
    "created_at",
    "updated_at",
]
STATUSES = (
    *(str(status) for status in Status),
    *["RESUME_COMPLETE", "RESUME_FAILED", "RESTORE_COMPLETE", "ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"],
    *["ROLLBACK_COMPLETE", "SNAPSHOT_COMPLETE", "CHECK_COMPLETE", "ADOPT_COMPLETE"],
)
HEALTH = ("HEALTHY", "UNHEALTHY", "UNKNOWN")

FIELDS: dict[str, Field] = {
    "uuid": Field(kinds.Uuid()),
    "name": Field(kinds.Text(most=242, pattern=r"^[a-zA-Z][a-zA-Z0-9_.-]*$")),
    "cluster_template_id": Field(_TEXT, mandatory=True),
    "keypair": Field(_TEXT),
    "node_count": Field(kinds.Integer(least=0), default=1),
    "master_count": Field(kinds.Integer(least=1), default=1),
    "docker_volume_size": Field(kinds.Integer(least=1)),
    "labels": Field(kinds.Labels()),
    "merge_labels": Field(kinds.Boolean(), default=False),
    "flavor_id": Field(_TEXT),
    "master_flavor_id": Field(_TEXT),
    "fixed_network": Field(_TEXT),
    "fixed_subnet": Field(_TEXT),
    "floating_ip_enabled": Field(kinds.Boolean()),
    "master_lb_enabled": Field(kinds.Boolean()),
    "create_timeout": Field(kinds.Integer(least=0), default=60),
    "discovery_url": Field(kinds.Text(least=0, most=None)),
    "status": Field(kinds.OneOf(STATUSES)),
    "health_status": Field(kinds.OneOf(HEALTH)),
    "health_status_reason": Field(kinds.Words(), default={}),
    **{name: Field(kinds.Anything()) for name in _IGNORED},
    **{name: Field(kinds.Anything(), read_only=True) for name in _READ_ONLY},
}
COLUMNS = {
    **{
        name: name
        for name in [
            "id",
            "uuid",
            "name",
            "project_id",
            "user_id",
            "keypair",
            "status",
            "status_reason",
            "api_address",
            "coe_version",
            "container_version",
            "discovery_url",
            "created_at",
            "updated_at",
            "labels",
            "flavor_id",
            "fixed_network",
            "fixed_subnet",
            "floating_ip_enabled",
        ]
    },
    "cluster_template_id": "template_uuid",
    "create_timeout": "create_timeout_min",
    "stack_id": "backend_id",
    "docker_volume_size": "docker_volume_size_gib",
    "master_flavor_id": "control_plane_flavor_id",
    "master_lb_enabled": "api_lb_enabled",
    "health_status": "health",
    "health_status_reason": "health_reason",
}


WIRE_NAMES = {
    "control_plane_count": "master_count",
    "worker_count": "node_count",
    "control_plane_flavor_id": "master_flavor_id",
    "docker_volume_size_gib": "docker_volume_size",
    "api_lb_enabled": "master_lb_enabled",
    "remove_nodes": "nodes_to_remove",
}
"""What our fields are called on the wire, where that differs."""


def wish_of(values: Mapping[str, Any], version: Version) -> NewCluster:
    """What a POST asks for."""
    return NewCluster(
        template=values["cluster_template_id"],
        name=values["name"],
        keypair=values["keypair"],
        worker_count=values["node_count"],
        control_plane_count=values["master_count"],
        docker_volume_size_gib=values["docker_volume_size"],
        labels=values["labels"],
        merge_labels=values["merge_labels"],
        flavor_id=values["flavor_id"],
        control_plane_flavor_id=values["master_flavor_id"],
        fixed_network=values["fixed_network"],
        fixed_subnet=values["fixed_subnet"],
        floating_ip_enabled=values["floating_ip_enabled"],
        api_lb_enabled=values["master_lb_enabled"],
        create_timeout_min=values["create_timeout"],
        discovery_url=values["discovery_url"],
        health=Health(values["health_status"]) if values["health_status"] else None,
        health_reason=values["health_status_reason"],
        zero_workers_allowed=version.minor >= 10,
    )


class ClusterShort(msgspec.Struct, kw_only=True):
    """What lists show. One of `stack_id` and `cluster_id` is left out, by the version."""

    uuid: str
    name: str
    cluster_template_id: str
    keypair: str | None
    docker_volume_size: int | None
    labels: Mapping[str, str]
    node_count: int
    master_count: int
    status: str
    health_status: str | None
    master_flavor_id: str | None
    flavor_id: str | None
    create_timeout: int | None
    stack_id: str | UnsetType | None = UNSET
    cluster_id: str | UnsetType | None = UNSET
    links: list[Link]
    merge_labels: bool = False


class ClusterFull(ClusterShort, kw_only=True):
    """Everything."""

    labels_overridden: Mapping[str, str]
    labels_added: Mapping[str, str]
    labels_skipped: Mapping[str, str]
    status_reason: str | None
    health_status_reason: Mapping[str, str]
    discovery_url: str | None
    api_address: str | None
    coe_version: str | None
    container_version: str | None
    project_id: str
    user_id: str
    node_addresses: list[str]
    master_addresses: list[str]
    fixed_network: str | None
    fixed_subnet: str | None
    floating_ip_enabled: bool
    master_lb_enabled: bool
    created_at: str | None
    updated_at: str | None
    faults: Mapping[str, str | None] | UnsetType = UNSET


def short(brief: ClusterBrief, host: str, version: Version) -> ClusterShort:
    """As lists show it."""
    view = ClusterShort(
        uuid=brief.uuid,
        name=brief.name,
        cluster_template_id=brief.template_uuid,
        keypair=brief.keypair,
        docker_volume_size=brief.docker_volume_size_gib,
        labels=brief.labels,
        node_count=brief.workers,
        master_count=brief.control_planes,
        status=brief.status,
        health_status=brief.health,
        master_flavor_id=brief.control_plane_flavor_id,
        flavor_id=brief.flavor_id,
        create_timeout=brief.create_timeout_min,
        links=links(host, f"clusters/{brief.uuid}"),
    )
    if version.minor >= 13:
        view.cluster_id = brief.backend_id
    else:
        view.stack_id = brief.backend_id
    return view


def full(
    row: ClusterRow, template: ClusterTemplate | None, host: str, version: Version, *, faults: bool
) -> ClusterFull:
    """As it is shown alone and in detail; `faults` adds what went wrong in which group."""
    cluster = row.cluster
    shape = cluster.shape
    labels = compare(template.shape.labels if template else {}, shape.labels)
    failed = faults and cluster.status in FAILED
    return ClusterFull(
        **_short(row, host, version),
        labels_overridden=labels.overridden,
        labels_added=labels.added,
        labels_skipped=labels.skipped,
        status_reason=cluster.status_reason,
        health_status_reason=cluster.health_reason,
        discovery_url=cluster.discovery_url,
        api_address=cluster.api_address,
        coe_version=cluster.coe_version,
        container_version=cluster.container_version,
        project_id=cluster.project_id,
        user_id=cluster.user_id,
        node_addresses=_addresses(row.groups, Role.WORKER),
        master_addresses=_addresses(row.groups, Role.CONTROL_PLANE),
        fixed_network=shape.fixed_network,
        fixed_subnet=shape.fixed_subnet,
        floating_ip_enabled=shape.floating_ip_enabled,
        master_lb_enabled=shape.api_lb_enabled,
        created_at=moment(cluster.created_at),
        updated_at=moment(cluster.updated_at),
        faults={g.name: g.status_reason for g in row.groups if g.status in FAILED} if failed else UNSET,
    )


def _short(row: ClusterRow, host: str, version: Version) -> dict[str, Any]:
    cluster, shape = row.cluster, row.cluster.shape
    return {
        "uuid": cluster.uuid,
        "name": cluster.name,
        "cluster_template_id": cluster.template_uuid,
        "keypair": cluster.keypair,
        "docker_volume_size": shape.docker_volume_size_gib,
        "labels": shape.labels,
        "node_count": _count(row.groups, Role.WORKER),
        "master_count": _count(row.groups, Role.CONTROL_PLANE),
        "status": cluster.status,
        "health_status": cluster.health,
        "master_flavor_id": shape.control_plane_flavor_id,
        "flavor_id": shape.flavor_id,
        "create_timeout": cluster.create_timeout_min,
        "cluster_id" if version.minor >= 13 else "stack_id": cluster.backend_id,
        "links": links(host, f"clusters/{cluster.uuid}"),
    }


def _count(groups: Sequence[NodeGroup], role: Role) -> int:
    return sum(group.node_count for group in groups if group.role is role)


def _addresses(groups: Sequence[NodeGroup], role: Role) -> list[str]:
    return [address for group in groups if group.role is role for address in group.node_addresses]
