"""PATCH of a cluster: the whole stored document may be named, three attributes may change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...contracts import ClusterRow
from ...domain import Health, Role
from ...domain.errors import InvalidRequest
from ...service.changes import Update
from ...service.clusters import ZERO_NODES
from ..microversion import Version
from . import fields, kinds, patch
from .cluster_wire import HEALTH
from .fields import Field

INTERNAL = frozenset(
    [
        "api_address",
        "node_addresses",
        "master_addresses",
        "stack_id",
        "cluster_id",
        "ca_cert_ref",
        "magnum_cert_ref",
        "etcd_ca_cert_ref",
        "front_proxy_ca_cert_ref",
    ]
)
MANDATORY = frozenset({"cluster_template_id"})
_ZERO_SINCE = 10
_CHANGEABLE = {
    "node_count": Field(kinds.Integer(least=0), default=1),
    "health_status": Field(kinds.OneOf(HEALTH)),
    "health_status_reason": Field(kinds.Words(), default={}),
}


def update_of(row: ClusterRow, entries: Sequence[patch.Change], version: Version) -> Update:
    """What the entries change of this cluster. Raises InvalidRequest."""
    before = _document(row)
    after = patch.apply(entries, before)
    changed = [name for name in after if after[name] != before[name]]
    fixed = [name for name in changed if name not in _CHANGEABLE]
    if fixed:
        raise InvalidRequest(f"cannot change cluster property(ies) {', '.join(sorted(fixed))}.", field=fixed[0])
    values = fields.decode("cluster", _CHANGEABLE, {name: after[name] for name in _CHANGEABLE}, strict=True)
    count = values["node_count"]
    if count == 0 and "node_count" in changed and version.minor < _ZERO_SINCE:
        raise InvalidRequest(ZERO_NODES, field="node_count", value=0)
    health = values["health_status"]
    return Update(
        worker_count=count if count != before["node_count"] else None,
        health=Health(health) if health is not None and "health_status" in changed else None,
        health_reason=values["health_status_reason"] if "health_status_reason" in changed else None,
    )


def _document(row: ClusterRow) -> dict[str, Any]:
    cluster, shape = row.cluster, row.cluster.shape
    return {
        "name": cluster.name,
        "cluster_template_id": cluster.template_uuid,
        "keypair": cluster.keypair,
        "node_count": _count(row, Role.WORKER),
        "master_count": _count(row, Role.CONTROL_PLANE),
        "docker_volume_size": shape.docker_volume_size_gib,
        "labels": shape.labels,
        "flavor_id": shape.flavor_id,
        "master_flavor_id": shape.control_plane_flavor_id,
        "fixed_network": shape.fixed_network,
        "fixed_subnet": shape.fixed_subnet,
        "floating_ip_enabled": shape.floating_ip_enabled,
        "master_lb_enabled": shape.api_lb_enabled,
        "create_timeout": cluster.create_timeout_min,
        "discovery_url": cluster.discovery_url,
        "status": str(cluster.status),
        "status_reason": cluster.status_reason,
        "health_status": None if cluster.health is None else str(cluster.health),
        "health_status_reason": cluster.health_reason,
        "coe_version": cluster.coe_version,
        "container_version": cluster.container_version,
    }


def _count(row: ClusterRow, role: Role) -> int:
    return sum(group.node_count for group in row.groups if group.role is role)
