"""Clusters as they are read: each with its node groups."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ..contracts import ClusterRow
from ..domain import Cluster, NodeGroup
from .among import among
from .rows import read
from .tables import clusters, node_groups

_GROUPS = among(sa.select(node_groups).order_by(node_groups.c.id), node_groups.c.cluster_uuid)


def with_groups(connection: sa.Connection, found: sa.CursorResult[Any]) -> list[ClusterRow]:
    """Clusters with their node groups: one more statement, however many clusters."""
    rows = read(Cluster, clusters, found)
    if not rows:
        return []
    groups: dict[str, list[NodeGroup]] = {cluster.uuid: [] for cluster in rows}
    found = connection.execute(_GROUPS[connection.dialect.name], {"uuids": list(groups)})
    for group in read(NodeGroup, node_groups, found):
        groups[group.cluster_uuid].append(group)
    return [ClusterRow(cluster, tuple(groups[cluster.uuid])) for cluster in rows]
