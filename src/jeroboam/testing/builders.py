"""Clusters, groups and operations for tests, with everything that does not matter filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from ..contracts import Store
from ..domain import Cluster, ClusterShape, ClusterTemplate, NodeGroup, Operation, OperationKind, Role

PROJECT = "project-1"


class ManualClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def template(**changes: Any) -> ClusterTemplate:
    """A Kubernetes template."""
    shape = ClusterShape(coe="kubernetes", image_id="fake-image", driver="fake", labels={"kube_tag": "v1.34.4"})
    base = ClusterTemplate(uuid=str(uuid4()), name="k8s", project_id=PROJECT, user_id="user-1", shape=shape)
    return replace(base, **changes)


def cluster(**changes: Any) -> Cluster:
    """A cluster that was just asked for."""
    made = template()
    base = Cluster(
        uuid=str(uuid4()),
        name="demo",
        project_id=PROJECT,
        user_id="user-1",
        template_uuid=made.uuid,
        shape=made.shape,
    )
    return replace(base, **changes)


def groups(of: Cluster, *, control_planes: int = 1, workers: int = 2) -> list[NodeGroup]:
    """The two default node groups of a cluster."""
    common: dict[str, Any] = {
        "cluster_uuid": of.uuid,
        "project_id": of.project_id,
        "image_id": of.shape.image_id,
        "is_default": True,
    }
    return [
        NodeGroup(
            str(uuid4()),
            name="default-master",
            role=Role.CONTROL_PLANE,
            role_name="master",
            node_count=control_planes,
            **common,
        ),
        NodeGroup(
            str(uuid4()), name="default-worker", role=Role.WORKER, role_name="worker", node_count=workers, **common
        ),
    ]


async def keep_template(store: Store, of: Cluster, uuid: str) -> None:
    """A template of this uuid in the store, fit for the cluster, where there is none yet."""
    if not await store.templates_by_uuid({uuid}):
        await store.add_template(template(uuid=uuid, project_id=of.project_id, shape=of.shape))


async def keep(store: Store, made: Cluster, wish: Operation, *, groups_of: Sequence[NodeGroup] | None = None) -> None:
    """The cluster in the store with `wish` and its default groups, or these; its template, too, where it is not there yet."""
    await keep_template(store, made, made.template_uuid)
    await store.add_cluster(made, groups(made) if groups_of is None else groups_of, wish, max_clusters=1000)


def operation(of: Cluster, kind: OperationKind = OperationKind.CREATE) -> Operation:
    """An operation as the API queues it."""
    return Operation(str(uuid4()), of.uuid, kind, of.project_id, of.user_id, "req-1", of.generation)
