"""The fake provider: keeps every rule of the contract, touches nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from ... import bootstrap
from ...contracts import (
    Address,
    DeclaredDriver,
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
from ...domain import Cluster, OperationKind, Role, cluster_slug
from .books import FakeMachine
from .catalogue import FakeCatalogue
from .cloud import Cloud, Fault
from .gate import OperationFault, OperationFaults
from .weather import Weather

_FOR_EVER_S = 86400.0


class FakeProvider:
    """Implements contracts.Provider, and OperationGate, DeclaresDrivers, MachineRebuilder and MachineCensus besides."""

    name = "fake"
    server_types = frozenset({"vm", "bm", "container"})

    def __init__(
        self,
        cloud: Cloud,
        *,
        boot_s: float = 0.3,
        catalogue: FakeCatalogue | None = None,
        operation_faults: Sequence[OperationFault] = (),
        drivers: Sequence[DeclaredDriver] = (),
        reachable: bool = True,
        weather: Weather | None = None,
    ) -> None:
        """`reachable`: whether the clusters' APIs have an address outside of their networks; nobody answers there."""
        self.cloud = cloud
        self._reachable = reachable
        self.catalogue = catalogue or FakeCatalogue()
        self.declared_drivers = drivers
        self._faults = OperationFaults(operation_faults)
        self._boot_s = boot_s
        self._weather = weather or Weather()

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    def refuse(self, cluster_name: str, kind: OperationKind) -> str | None:
        return self._faults.refusal(cluster_name, kind)

    async def enter(self, cluster_name: str, kind: OperationKind, running: timedelta) -> timedelta:
        return self._faults.meet(cluster_name, kind, running)

    async def preflight(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        known = {image.id for image in await self.catalogue.images(cluster.project_id)}
        unknown = sorted({machine.image_id for machine in machines} - known)
        problems = [Problem(f"Image {name} could not be found.", field="image_id") for name in unknown]
        room = self._weather.room(self.cloud.books.count())
        if room is not None and len(machines) > room:
            problems.append(
                Problem(
                    f"{len(machines)} machines are wanted, and the quota leaves room for {room}.", field="node_count"
                )
            )
        return problems

    async def ensure_network(self, cluster: Cluster, spec: NetworkSpec) -> Network:
        await self._enter("ensure_network", cluster.name)
        name = self.cloud.books.network(cluster.uuid, cluster_slug(cluster.name, cluster.uuid))
        return Network(id=f"net-{cluster.uuid}", name=name, cidr="10.0.0.0/16")

    async def ensure_endpoint(self, cluster: Cluster, network: Network, spec: NetworkSpec) -> Endpoint:
        await self._enter("ensure_endpoint", cluster.name)
        port = self.cloud.books.port(cluster.uuid)
        inside, outside = Address("10.0.0.10", spec.endpoint_port), Address("127.0.0.1", port)
        return Endpoint(inside, outside if self._reachable else None, balanced=spec.control_planes > 1)

    async def ensure_machine(
        self, spec: MachineSpec, network: Network, endpoint: Endpoint, config: NodeConfig
    ) -> Machine:
        fault = await self._enter("ensure_machine", spec.name)

        def make(others: Sequence[FakeMachine], number: int) -> FakeMachine:
            self._weather.check_room(self.cloud.books.count())
            return FakeMachine(
                name=spec.name,
                cluster=spec.cluster_uuid,
                group=spec.group,
                role=spec.role,
                index=spec.index,
                address=_free_address(others),
                made_at=time.time(),
                boot_fails=fault.message if fault else _fails(config),
                id=f"id-{number}-{spec.name}",
                image=spec.image_id,
                keys=spec.keys,
            )

        return _seen(self.cloud.books.add(spec.name, spec.cluster_uuid, make))

    async def list_machines(self, cluster_uuid: str) -> Sequence[Machine]:
        await self._enter("list_machines", cluster_uuid)
        return self._alive(self.cloud.books.machines(cluster_uuid))

    async def list_machines_of(self, cluster_uuids: Collection[str]) -> Mapping[str, Sequence[Machine]]:
        """The same call for many clusters: its weather and its faults are those of `list_machines`."""
        await self._enter("list_machines", "")
        found: dict[str, list[Machine]] = {uuid: [] for uuid in cluster_uuids}
        for machine in self._alive(self.cloud.books.machines_of(cluster_uuids)):
            found[machine.cluster_uuid].append(machine)
        return found

    def _alive(self, machines: Sequence[FakeMachine]) -> list[Machine]:
        """Those that the weather has left; the others are gone from now on."""
        there = [machine for machine in machines if not machine.unmade]
        lost = {machine.name for machine in there if self._weather.lost(machine)}
        for name in lost:
            self.cloud.books.remove(name)
        return [_seen(machine) for machine in there if machine.name not in lost]

    async def delete_machine(self, cluster_uuid: str, name: str) -> None:
        await self._enter("delete_machine", name)
        self.cloud.books.remove(name)

    async def unmake_machine(self, cluster_uuid: str, name: str) -> None:
        await self._enter("unmake_machine", name)
        self.cloud.books.unmake(name)

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        await self._meet("console_log", name)
        machine = self.cloud.books.machine(name)
        if machine is None or machine.unmade:
            return ""
        said = [bootstrap.marker("begin"), bootstrap.marker("step", "join")]
        if time.time() - machine.made_at >= self._boot_s:
            failed = machine.boot_fails
            said.append(bootstrap.marker("failed", "join", failed) if failed else bootstrap.marker("done", "all"))
        return "\n".join(said[-lines:])

    async def delete_all(self, cluster_uuid: str) -> Sequence[FoundResource]:
        await self._enter("delete_all", cluster_uuid)
        found = self._resources(cluster_uuid)
        self.cloud.books.remove_all(cluster_uuid)
        return found

    async def list_resources(self, cluster_uuid: str | None = None) -> Sequence[FoundResource]:
        await self._meet("list_resources", cluster_uuid or "")
        return self._resources(cluster_uuid)

    def _resources(self, cluster_uuid: str | None) -> list[FoundResource]:
        state = self.cloud.books.state(cluster_uuid)
        found = [FoundResource("machine", m.name, m.name, m.cluster) for m in state.machines.values()]
        found += [FoundResource("endpoint", str(port), str(port), uuid) for uuid, port in state.endpoints.items()]
        return found + [FoundResource("network", f"net-{uuid}", name, uuid) for uuid, name in state.networks.items()]

    async def _enter(self, call: str, name: str) -> Fault | None:
        await self._weather.meet(call)
        return await self._meet(call, name)

    async def _meet(self, call: str, name: str) -> Fault | None:
        fault = self.cloud.meet(call, name)
        if fault is not None and fault.effect == "hang":
            await asyncio.sleep(_FOR_EVER_S)
        return fault


def _free_address(others: Sequence[FakeMachine]) -> str:
    taken = {machine.address for machine in others}
    hosts = (f"10.0.{n // 250}.{n % 250 + 1}" for n in range(10, 60_000))
    return next(address for address in hosts if address not in taken)


def _fails(config: NodeConfig) -> str:
    """The fake runs nothing, but it knows what becomes of `false`."""
    return next((f"exit code 1: {c.name}" for c in config.commands if c.argv == ("false",)), "")


def _seen(machine: FakeMachine) -> Machine:
    return Machine(
        id=machine.id or f"id-{machine.name}",
        name=machine.name,
        cluster_uuid=machine.cluster,
        group=machine.group,
        role=Role(machine.role),
        index=machine.index,
        state=MachineState(machine.state),
        address=machine.address,
        image_id=machine.image,
        keys=machine.keys,
    )
