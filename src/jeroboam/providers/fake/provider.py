"""The fake provider: keeps every rule of the contract, touches nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
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
from .catalogue import FakeCatalogue
from .cloud import Cloud, FakeMachine, Fault
from .gate import OperationFault, OperationFaults

_FIRST_PORT = 20000


class FakeProvider:
    """Implements contracts.Provider, and OperationGate and DeclaresDrivers besides."""

    name = "fake"
    server_types = frozenset({"vm", "bm", "container"})

    def __init__(
        self,
        cloud: Cloud,
        *,
        boot_s: float = 0.3,
        latency_s: float = 0.0,
        catalogue: FakeCatalogue | None = None,
        operation_faults: Sequence[OperationFault] = (),
        drivers: Sequence[DeclaredDriver] = (),
        reachable: bool = True,
    ) -> None:
        """`reachable`: whether the clusters' APIs have an address outside of their networks; nobody answers there."""
        self.cloud = cloud
        self._reachable = reachable
        self.catalogue = catalogue or FakeCatalogue()
        self.declared_drivers = drivers
        self._faults = OperationFaults(operation_faults)
        self._boot_s = boot_s
        self._latency_s = latency_s

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
        return [Problem(f"Image {name} could not be found.", field="image_id") for name in unknown]

    async def ensure_network(self, cluster: Cluster, spec: NetworkSpec) -> Network:
        await self._enter("ensure_network", cluster.name)
        name = self.cloud.state.networks.setdefault(cluster.uuid, cluster_slug(cluster.name, cluster.uuid))
        self.cloud.save()
        return Network(id=f"net-{cluster.uuid}", name=name, cidr="10.0.0.0/16")

    async def ensure_endpoint(self, cluster: Cluster, network: Network, spec: NetworkSpec) -> Endpoint:
        await self._enter("ensure_endpoint", cluster.name)
        ports = self.cloud.state.endpoints
        if cluster.uuid not in ports:
            ports[cluster.uuid] = max(ports.values(), default=_FIRST_PORT - 1) + 1
            self.cloud.save()
        inside, outside = Address("10.0.0.10", spec.endpoint_port), Address("127.0.0.1", ports[cluster.uuid])
        return Endpoint(inside, outside if self._reachable else None, balanced=spec.control_planes > 1)

    async def ensure_machine(
        self, spec: MachineSpec, network: Network, endpoint: Endpoint, config: NodeConfig
    ) -> Machine:
        fault = await self._enter("ensure_machine", spec.name)
        machines = self.cloud.state.machines
        if spec.name not in machines:
            self.cloud.state.made += 1
            machines[spec.name] = FakeMachine(
                name=spec.name,
                cluster=spec.cluster_uuid,
                group=spec.group,
                role=spec.role,
                index=spec.index,
                address=self._free_address(spec.cluster_uuid),
                made_at=time.time(),
                boot_fails=fault.message if fault else _fails(config),
                id=f"id-{self.cloud.state.made}-{spec.name}",
                image=spec.image_id,
                keys=spec.keys,
            )
            self.cloud.save()
        return _seen(machines[spec.name])

    async def list_machines(self, cluster_uuid: str) -> Sequence[Machine]:
        await self._enter("list_machines", cluster_uuid)
        return [_seen(m) for m in self.cloud.state.machines.values() if m.cluster == cluster_uuid]

    async def delete_machine(self, cluster_uuid: str, name: str) -> None:
        await self._enter("delete_machine", name)
        if self.cloud.state.machines.pop(name, None) is not None:
            self.cloud.save()

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        machine = self.cloud.state.machines.get(name)
        if machine is None:
            return ""
        said = [bootstrap.marker("begin"), bootstrap.marker("step", "join")]
        if time.time() - machine.made_at >= self._boot_s:
            failed = machine.boot_fails
            said.append(bootstrap.marker("failed", "join", failed) if failed else bootstrap.marker("done", "all"))
        return "\n".join(said[-lines:])

    async def delete_all(self, cluster_uuid: str) -> Sequence[FoundResource]:
        await self._enter("delete_all", cluster_uuid)
        found = await self.list_resources(cluster_uuid)
        state = self.cloud.state
        state.machines = {name: m for name, m in state.machines.items() if m.cluster != cluster_uuid}
        state.endpoints.pop(cluster_uuid, None)
        state.networks.pop(cluster_uuid, None)
        self.cloud.save()
        return found

    async def list_resources(self, cluster_uuid: str | None = None) -> Sequence[FoundResource]:
        state = self.cloud.state
        found = [FoundResource("machine", m.name, m.name, m.cluster) for m in state.machines.values()]
        found += [FoundResource("endpoint", str(port), str(port), uuid) for uuid, port in state.endpoints.items()]
        found += [FoundResource("network", f"net-{uuid}", name, uuid) for uuid, name in state.networks.items()]
        return [r for r in found if cluster_uuid is None or r.cluster_uuid == cluster_uuid]

    async def _enter(self, call: str, name: str) -> Fault | None:
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        return self.cloud.meet(call, name)

    def _free_address(self, cluster_uuid: str) -> str:
        taken = {m.address for m in self.cloud.state.machines.values() if m.cluster == cluster_uuid}
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
        state=MachineState.RUNNING,
        address=machine.address,
        image_id=machine.image,
        keys=machine.keys,
    )
