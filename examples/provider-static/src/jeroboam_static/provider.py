"""The provider itself: look at the machines, then act. What is so stands on the machines (lease.py); nothing is kept here."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
from msgspec import structs

from jeroboam.bootstrap.console import clean
from jeroboam.contracts import (
    Address,
    Endpoint,
    FoundResource,
    Machine,
    MachineSpec,
    MachineState,
    Network,
    NetworkSpec,
    NodeConfig,
    Problem,
)
from jeroboam.domain import Cluster, Role, cluster_slug
from jeroboam.domain.errors import ProviderRefused, ProviderUnavailable

from . import balancer
from .catalogue import StaticCatalogue
from .choice import BALANCER, Need, described, need_of, unmet
from .fleet import Fleet, Seen
from .inventory import read_inventory
from .lease import STATES, Lease, node_of

_MTU = 1500
_KEPT = {"running": 0, "building": 1, "held": 1, "wiping": 2}  # of several for one purpose the lowest, then the oldest


class StaticProvider:
    """Implements jeroboam.contracts.Provider and MachineCensus. `server_types` has "vm": clients say it when nobody chose."""

    name = "static"
    server_types = frozenset({"bm", "vm"})

    def __init__(self, inventory: Path) -> None:
        self._path = inventory
        self.catalogue = StaticCatalogue()
        self._fleet = Fleet(())
        self._cidr = ""
        self._ordering = asyncio.Lock()

    async def start(self) -> None:
        inventory = await asyncio.to_thread(read_inventory, self._path)
        self.catalogue.image_list, self.catalogue.flavor_list = inventory.images, inventory.flavors
        self._cidr = str(inventory.network)
        self._fleet = Fleet(inventory.entries)
        asyncssh.set_log_level(logging.WARNING)  # it tells each command and its end
        await self._fleet.check()

    async def stop(self) -> None:
        await self._fleet.close()

    async def preflight(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        problems = [
            Problem(f"Image {image} could not be found.", "image_id", "It must stand in the inventory.")
            for image in sorted({spec.image_id for spec in machines})
            if not await self.catalogue.find_images(cluster.project_id, image)
        ]
        problems += [
            Problem(f"Unable to find flavor {flavor}.", "flavor_id", "It must stand in the inventory.")
            for flavor in sorted({spec.flavor_id for spec in machines if spec.flavor_id})
            if not await self.catalogue.find_flavors(cluster.project_id, flavor)
        ]
        return problems or await self._shortage(cluster, machines)

    async def _shortage(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        held = await self._fleet.held()
        mine = _of(held, cluster.uuid)
        there = {seen.lease.node.name for seen in mine if seen.lease.node}
        needs = [need_of(spec) for spec in machines if spec.name not in there]
        heads = [spec for spec in machines if spec.role is Role.CONTROL_PLANE]
        if len(heads) > 1 and not any(seen.lease.balances for seen in mine):
            needs.append(Need(BALANCER, "", None))
        waiting = [seen.entry for seen in mine if seen.lease.node is None and not seen.lease.balances]
        missing = unmet(needs, [*waiting, *self._fleet.free(held)])
        return [Problem(f"{line}.", "node_count", "Add them to the inventory.") for line in described(missing)]

    async def ensure_network(self, cluster: Cluster, spec: NetworkSpec) -> Network:
        """The machine whose address is the cluster's endpoint is held from now on: there is nothing else to make of a network."""
        async with self._ordering:
            mine = await self._mine(cluster.uuid)
            twins = _twins(mine)
            for seen in twins:
                await self._free(seen)
            head = _head([seen for seen in mine if seen not in twins]) or await self._take_head(cluster, spec)
        return Network(f"net-{head.entry.name}-{cluster.uuid}", head.lease.network, self._cidr, _MTU)

    async def _take_head(self, cluster: Cluster, spec: NetworkSpec) -> Seen:
        several = spec.control_planes > 1
        shape = cluster.shape
        need = (
            Need(BALANCER, "", None)
            if several
            else Need(Role.CONTROL_PLANE.value, shape.image_id, shape.control_plane_flavor_id)
        )
        lease = Lease(
            id=_new_id(),
            cluster=cluster.uuid,
            network=cluster_slug(cluster.name, cluster.uuid),
            since=datetime.now(UTC),
            state="held",
            head=True,
            balances=several,
            ports=balancer.ports_of(spec),
        )
        return await self._take_alone(need, lease)

    async def _take_alone(self, need: Need, lease: Lease) -> Seen:
        """A service that was taken for dead may still act for the same cluster, and machines know nothing of each other: who sees that
        another took one for the same purpose gives its own back. Of two, the one that looks last sees both."""
        taken = await self._fleet.take(need, lease)
        mine = [seen for seen in await self._mine(lease.cluster) if seen.lease.id != lease.id]
        if any(_purposes(seen.lease) & _purposes(lease) for seen in mine):
            await self._free(taken)
            what = ", ".join(sorted(_purposes(lease)))
            raise ProviderUnavailable(f"Another service has a machine for {what}, too.", after_s=1)
        return taken

    async def ensure_endpoint(self, cluster: Cluster, network: Network, spec: NetworkSpec) -> Endpoint:
        mine = await self._mine(cluster.uuid)
        head = _head(mine)
        if head is None:
            raise ProviderUnavailable(f"Network {network.name} is gone.", after_s=1)
        if head.lease.balances and head.lease.state == "held":
            await head.machine.check(balancer.PROGRAM)
            config = balancer.configuration(head.lease.ports, _control_planes(mine))
            await head.machine.deliver(head.lease, balancer.first_boot(f"{network.name}-endpoint", config))
            head = await self._fleet.change(head, structs.replace(head.lease, state="running"))
        address = Address(head.entry.node_address, spec.endpoint_port)
        return Endpoint(address, address, balanced=head.lease.balances)

    async def ensure_machine(
        self, spec: MachineSpec, network: Network, endpoint: Endpoint, config: NodeConfig
    ) -> Machine:
        mine = await self._mine(spec.cluster_uuid)
        seen = _find(mine, spec.name) or await self._take(mine, spec, network)
        if seen.away:
            raise ProviderUnavailable(seen.away, after_s=5, hint="Start the machine; or remove the node.")
        if seen.lease.state == "wiping":
            raise ProviderUnavailable(f"{spec.name} is being removed.", after_s=2)
        if seen.lease.state == "building":
            await seen.machine.deliver(seen.lease, config)
            seen = await self._fleet.change(seen, structs.replace(seen.lease, state="running"))
        if spec.role is Role.CONTROL_PLANE:
            await self._balance(spec.cluster_uuid)
        return _machine(seen)

    async def _take(self, mine: Sequence[Seen], spec: MachineSpec, network: Network) -> Seen:
        head = _head(mine)
        if head is None:
            raise ProviderUnavailable(f"Network {network.name} is gone.", after_s=1)
        lease = Lease(
            id=_new_id(),
            cluster=spec.cluster_uuid,
            network=network.name,
            since=datetime.now(UTC),
            state="building",
            node=node_of(spec),
        )
        if spec.role is Role.CONTROL_PLANE and not head.lease.balances and head.lease.node is None:
            if not need_of(spec).met_by(head.entry):
                raise ProviderRefused(
                    f"{spec.name}: {head.entry.name}, whose address is the cluster's, has image {head.entry.image} and flavor "
                    f"{head.entry.flavor}, not image {spec.image_id} and flavor {spec.flavor_id}.",
                    hint="A machine's image is not changed here; make a new cluster.",
                )
            return await self._fleet.change(head, structs.replace(lease, head=True, ports=head.lease.ports))
        return await self._take_alone(need_of(spec), lease)

    async def list_machines(self, cluster_uuid: str) -> Sequence[Machine]:
        return _nodes(await self._mine(cluster_uuid))

    async def list_machines_of(self, cluster_uuids: Collection[str]) -> Mapping[str, Sequence[Machine]]:
        """One look at all machines, which is what a look at one cluster's is, too."""
        held = await self._fleet.held()
        return {uuid: _nodes(_of(held, uuid)) for uuid in cluster_uuids}

    async def delete_machine(self, cluster_uuid: str, name: str) -> None:
        """Returns when the machine has wiped itself and is back."""
        seen = _find(await self._mine(cluster_uuid), name)
        if seen is None:
            return
        if seen.away and seen.lease.state != "wiping":
            raise ProviderUnavailable(
                seen.away, after_s=10, hint="It can be wiped only while it runs. Start the machine."
            )
        if seen.lease.head:
            lease = structs.replace(seen.lease, id=_new_id(), state="held", node=None)
            await seen.machine.change(seen.lease, lease, once_wiped=True)
        await self._free(seen)
        if seen.lease.node and seen.lease.node.role is Role.CONTROL_PLANE:
            await self._balance(cluster_uuid)

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        seen = self._fleet.remembered(cluster_uuid, name) or _find(await self._mine(cluster_uuid), name)
        return "" if seen is None else clean(await seen.machine.console(seen.lease, lines))

    async def delete_all(self, cluster_uuid: str) -> Sequence[FoundResource]:
        found = await self.list_resources(cluster_uuid)
        mine = await self._mine(cluster_uuid)
        heads, others = ([seen for seen in mine if seen.lease.head is head] for head in (True, False))
        for some in (others, heads):  # while its head is held, a cluster has its network
            results = await asyncio.gather(*(self._free(seen) for seen in some), return_exceptions=True)
            for error in results:
                if isinstance(error, BaseException):
                    raise error
        left = await self.list_resources(cluster_uuid)
        if left:  # a removal that was cut off had left word that the cluster keeps the machine
            raise ProviderUnavailable(
                f"{len(left)} resources are still there: {left[0].kind} {left[0].name}.", after_s=1
            )
        return found

    async def list_resources(self, cluster_uuid: str | None = None) -> Sequence[FoundResource]:
        found = []
        for seen in await self._fleet.held():
            lease, at = seen.lease, seen.entry.name
            if lease.head:
                found.append(FoundResource("network", f"net-{at}-{lease.cluster}", lease.network, lease.cluster))
            if lease.balances:
                found.append(FoundResource("balancer", lease.id, f"{lease.network}-endpoint", lease.cluster))
            if lease.node:
                found.append(FoundResource("machine", lease.id, lease.node.name, lease.cluster))
        return [one for one in found if cluster_uuid in (None, one.cluster_uuid)]

    async def _mine(self, cluster_uuid: str) -> list[Seen]:
        return _of(await self._fleet.held(), cluster_uuid)

    async def _free(self, seen: Seen) -> None:
        wiping = seen
        if seen.lease.state != "wiping":
            wiping = await self._fleet.change(seen, structs.replace(seen.lease, state="wiping"))
        await wiping.machine.free(wiping.lease)

    async def _balance(self, cluster_uuid: str) -> None:
        """The balancer, if there is one, forwards to the control-plane nodes that there are."""
        async with self._ordering:
            mine = await self._mine(cluster_uuid)
            head = _head(mine)
            if head and head.lease.balances and head.lease.state == "running":
                config = balancer.configuration(head.lease.ports, _control_planes(mine))
                await head.machine.balance(head.lease, config)


def _new_id() -> str:
    return f"lease-{secrets.token_hex(8)}"


def _of(held: Sequence[Seen], cluster_uuid: str) -> list[Seen]:
    return [seen for seen in held if seen.lease.cluster == cluster_uuid]


def _purposes(lease: Lease) -> set[str]:
    """What a cluster has one machine for."""
    return ({f"the endpoint of {lease.network}"} if lease.head else set()) | (
        {lease.node.name} if lease.node else set()
    )


def _twins(mine: Sequence[Seen]) -> list[Seen]:
    """Machines taken for what a cluster has one for already, by a service that was killed before it saw that. One that was being given back
    for it is none that the cluster keeps."""
    met: set[str] = set()
    twins = []
    for seen in sorted(mine, key=lambda one: (_KEPT[one.lease.state], one.lease.since)):
        if _purposes(seen.lease) & met:
            twins.append(seen)
        met |= _purposes(seen.lease)
    return twins


def _nodes(mine: Sequence[Seen]) -> list[Machine]:
    twins = _twins(mine)
    found = [_machine(seen) for seen in mine if seen.lease.node and seen not in twins]
    return sorted(found, key=lambda machine: machine.name)


def _head(mine: Sequence[Seen]) -> Seen | None:
    return next((seen for seen in mine if seen.lease.head), None)


def _find(mine: Sequence[Seen], name: str) -> Seen | None:
    return next((seen for seen in mine if seen.lease.node and seen.lease.node.name == name), None)


def _control_planes(mine: Sequence[Seen]) -> dict[str, str]:
    nodes = [(seen.lease.node, seen) for seen in mine if seen.lease.state != "wiping"]
    return {node.name: seen.entry.node_address for node, seen in nodes if node and node.role is Role.CONTROL_PLANE}


def _machine(seen: Seen) -> Machine:
    lease, node = seen.lease, seen.lease.node
    if node is None:
        raise RuntimeError(f"{seen.entry.name} is no node")
    state = STATES[lease.state]
    if seen.away and state is not MachineState.DELETING:
        state = MachineState.STOPPED
    return Machine(
        id=lease.id,
        name=node.name,
        cluster_uuid=lease.cluster,
        group=node.group,
        role=node.role,
        index=node.index,
        state=state,
        address=seen.entry.node_address,
        detail=seen.away,
        created_at=lease.since,
        image_id=node.image,
        keys=node.keys,
    )
