"""Rows become the domain's values without their constructors: what that leaves out must be nothing."""

import pytest
import sqlalchemy as sa

from jeroboam.domain import Cluster, ClusterShape, ClusterTemplate, NodeGroup
from jeroboam.store import tables
from jeroboam.store.rows import read, values
from jeroboam.testing import builders


@pytest.mark.parametrize("cls", [Cluster, ClusterShape, ClusterTemplate, NodeGroup])
def test_the_domains_values_compute_nothing_when_made(cls: type) -> None:
    assert not hasattr(cls, "__post_init__")
    assert not hasattr(cls, "__slots__")


def test_what_is_read_equals_what_was_written() -> None:
    engine = sa.create_engine("sqlite://")
    tables.metadata.create_all(engine)
    cluster = builders.cluster(health_reason={"api": "ok"})
    [_, worker] = builders.groups(cluster)
    with engine.begin() as connection:
        connection.execute(tables.clusters.insert().values(values(cluster)))
        connection.execute(tables.node_groups.insert().values(values(worker)))
        [kept] = read(Cluster, tables.clusters, connection.execute(sa.select(tables.clusters)))
        [group] = read(NodeGroup, tables.node_groups, connection.execute(sa.select(tables.node_groups)))
    assert (kept.id, group.id) == (1, 1)
    assert values(kept) == values(cluster)
    assert values(group) == values(worker)
    assert isinstance(kept.shape, ClusterShape)
