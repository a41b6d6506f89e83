"""From a wish to the values that are stored: shape, node groups, machines, summary. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from ..contracts import Image, MachineSpec
from ..domain import (
    Cluster,
    ClusterShape,
    ClusterTemplate,
    Health,
    Labels,
    NodeGroup,
    Operation,
    OperationKind,
    Role,
)
from ..domain.errors import InvalidRequest
from ..planning import plan_machines
from .labels import joined
from .names import made_up
from .services import Asker

CONTROL_PLANE_GROUP = "default-master"
WORKER_GROUP = "default-worker"


@dataclass(frozen=True)
class NewCluster:
    """A wish for a cluster. None is "as the template has it"; `zero_workers_allowed` is False for clients of old."""

    template: str
    name: str | None = None
    keypair: str | None = None
    worker_count: int = 1
    control_plane_count: int = 1
    docker_volume_size_gib: int | None = None
    labels: Labels | None = None
    merge_labels: bool = False
    flavor_id: str | None = None
    control_plane_flavor_id: str | None = None
    fixed_network: str | None = None
    fixed_subnet: str | None = None
    floating_ip_enabled: bool | None = None
    api_lb_enabled: bool | None = None
    create_timeout_min: int = 60
    discovery_url: str | None = None
    health: Health | None = None
    health_reason: Mapping[str, str] = field(default_factory=dict)
    zero_workers_allowed: bool = True


def cluster_of(wish: NewCluster, template: ClusterTemplate, asker: Asker) -> Cluster:
    """The cluster with its own copy of the template's shape."""
    return Cluster(
        uuid=str(uuid4()),
        name=wish.name or made_up("cluster"),
        project_id=asker.caller.project_id,
        user_id=asker.caller.user_id,
        template_uuid=template.uuid,
        shape=_shape(wish, template.shape),
        keypair=wish.keypair or template.shape.keypair_id,
        create_timeout_min=wish.create_timeout_min,
        discovery_url=wish.discovery_url,
        health=wish.health,
        health_reason=wish.health_reason,
    )


def _shape(wish: NewCluster, given: ClusterShape) -> ClusterShape:
    own = {
        name: value
        for name in (
            "flavor_id",
            "control_plane_flavor_id",
            "fixed_network",
            "fixed_subnet",
            "floating_ip_enabled",
            "api_lb_enabled",
            "docker_volume_size_gib",
        )
        if (value := getattr(wish, name)) is not None
    }
    return replace(given, **own, labels=joined(given.labels, wish.labels, merge=wish.merge_labels))


def default_groups(cluster: Cluster, wish: NewCluster) -> list[NodeGroup]:
    """The two groups that every cluster has."""
    shape = cluster.shape
    return [
        _group(
            cluster, CONTROL_PLANE_GROUP, Role.CONTROL_PLANE, wish.control_plane_count, shape.control_plane_flavor_id
        ),
        replace(
            _group(cluster, WORKER_GROUP, Role.WORKER, wish.worker_count, shape.flavor_id),
            min_node_count=_min_workers(shape.labels),
        ),
    ]


def _group(cluster: Cluster, name: str, role: Role, count: int, flavor: str | None) -> NodeGroup:
    return NodeGroup(
        uuid=str(uuid4()),
        cluster_uuid=cluster.uuid,
        name=name,
        role=role,
        role_name="master" if role is Role.CONTROL_PLANE else "worker",
        project_id=cluster.project_id,
        node_count=count,
        image_id=cluster.shape.image_id,
        flavor_id=flavor,
        docker_volume_size_gib=cluster.shape.docker_volume_size_gib,
        labels=cluster.shape.labels,
        is_default=True,
    )


def _min_workers(labels: Labels) -> int:
    text = labels.get("min_node_count", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidRequest(
            f"Label min_node_count must be a whole number, but received {text}.",
            field="labels.min_node_count",
            value=text,
        )
    return int(text)


def machines(cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[MachineSpec]:
    """The machines of new node groups, for the provider's check before anything is made."""
    return [replace(spec, image_id=image.id) for spec in plan_machines(cluster, groups, ()).ensure]


def operation(
    cluster: Cluster, kind: OperationKind, asker: Asker, summary: str, details: Mapping[str, Any] | None = None
) -> Operation:
    """What somebody asked for, queued."""
    return Operation(
        uuid=str(uuid4()),
        cluster_uuid=cluster.uuid,
        kind=kind,
        project_id=cluster.project_id,
        user_id=asker.caller.user_id,
        request_id=asker.request_id,
        generation=cluster.generation,
        summary=summary,
        details=details or {},
    )


def counted(number: int, thing: str) -> str:
    """`1 worker`, `2 workers`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
