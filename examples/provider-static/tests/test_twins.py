"""Two machines taken for one purpose, one of which is being given back: the cluster has the other."""

from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest
from msgspec import structs

from jeroboam.contracts import MachineState, NetworkSpec
from jeroboam.domain import Role
from jeroboam.testing import builders
from jeroboam_static import StaticProvider
from jeroboam_static.inventory import Entry
from jeroboam_static.lease import Lease, Node
from jeroboam_static.machine import Machine

KEY = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
NODE = Node("worker-0", "workers", Role.WORKER, 0, "host", "")
WIPED = Lease("lease-1", "cluster", "network", datetime(2026, 1, 1, tzinfo=UTC), "wiping")
KEPT = structs.replace(WIPED, id="lease-2", since=datetime(2026, 1, 2, tzinfo=UTC), state="building")


class Held(Machine):
    """Says what it was told, and wipes itself at once."""

    def __init__(self, name: str, lease: Lease) -> None:
        super().__init__(Entry(name, name, 22, "me", Path("key"), KEY, name, "host", None, frozenset({"worker"})))
        self.lease: Lease | None = lease

    async def look(self) -> Lease | None:
        return self.lease

    async def free(self, held: Lease, *, within_s: float = 0) -> None:
        assert held == self.lease
        self.lease = None


def holding(*leases: Lease) -> StaticProvider:
    provider = StaticProvider(Path("no-inventory"))
    provider._fleet._machines = {f"rack-{n}": Held(f"rack-{n}", lease) for n, lease in enumerate(leases)}
    return provider


@pytest.mark.parametrize("order", [(WIPED, KEPT), (KEPT, WIPED)])
async def test_the_node_is_the_one_that_is_kept(order: tuple[Lease, Lease]) -> None:
    provider = holding(*(structs.replace(lease, node=NODE) for lease in order))
    [machine] = await provider.list_machines("cluster")
    assert (machine.id, machine.state) == ("lease-2", MachineState.BUILDING)
    assert await provider.list_machines_of(["cluster", "other"]) == {"cluster": [machine], "other": []}


@pytest.mark.parametrize("order", [(WIPED, KEPT), (KEPT, WIPED)])
async def test_the_network_is_that_of_the_one_that_is_kept(order: tuple[Lease, Lease]) -> None:
    provider = holding(*(structs.replace(lease, head=True) for lease in order))
    network = await provider.ensure_network(builders.cluster(uuid="cluster"), NetworkSpec(6443))
    assert network.id == f"net-rack-{order.index(KEPT)}-cluster"
    assert [lease.id for seen in await provider._fleet.held() if (lease := seen.lease)] == ["lease-2"]
