"""The network stack of a cluster, made and read: its network, its endpoint, and what its machines need to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...contracts import Address, Endpoint, MachineSpec, Network, NetworkSpec
from ...domain import Cluster, Role, cluster_slug
from ...domain.errors import InvalidRequest, NotFound
from .bare_metal import BARE
from .heat import Stack
from .labels import CIDR_LABEL, VOLUME_TYPE_LABEL, ZONE_LABEL, volume_gib
from .machine_template import ServerPlan
from .network_template import EndpointKind, NetworkPlan
from .neutron import Neutron
from .rest import OCTAVIA, Rest
from .settings import OpenStackSettings

Found = Mapping[str, Any] | None


@dataclass(frozen=True)
class Place:
    """The outputs of a finished network stack."""

    outputs: Mapping[str, Any]
    name: str

    @property
    def kind(self) -> EndpointKind:
        return EndpointKind(self.outputs["kind"])

    @property
    def address(self) -> str:
        """Of the endpoint, inside."""
        return str(self.outputs["address"])

    @property
    def ports(self) -> tuple[int, ...]:
        """At which a control plane answers that holds a virtual address."""
        return int(self.outputs["port_number"]), *(int(port) for port in self.outputs["inner_ports"])

    def network(self) -> Network:
        return Network(self.outputs["network"], self.name, self.outputs["cidr"], int(self.outputs["mtu"] or 1500))

    def endpoint(self) -> Endpoint:
        port = int(self.outputs["port_number"])
        outside = self.outputs.get("outside")
        return Endpoint(
            Address(self.outputs["address"], port),
            Address(outside, port) if outside else None,
            balanced=self.kind is not EndpointKind.SINGLE,
        )

    def server(
        self, spec: MachineSpec, image: str, flavor: str, default_volume_gib: int = 0, os: str = "linux"
    ) -> ServerPlan:
        """A machine in this network: a control plane is part of the endpoint. `default_volume_gib`: of a root volume that no label speaks
        of; 0 is none."""
        head = spec.role is Role.CONTROL_PLANE
        holder = head and self.kind is EndpointKind.SINGLE and spec.first
        pools = tuple(
            (int(name.removeprefix("pool_")), str(value))
            for name, value in sorted(self.outputs.items())
            if head and name.startswith("pool_")
        )
        member_of = ("nodes", "control_planes") if head else ("nodes",)
        default = 0 if spec.server_type == BARE else default_volume_gib
        return ServerPlan(
            cluster_uuid=spec.cluster_uuid,
            name=spec.name,
            group=spec.group,
            role=spec.role,
            index=spec.index,
            image=image,
            image_word=spec.image_id,
            flavor=flavor,
            network=self.outputs["network"],
            security_groups=tuple(self.outputs[group] for group in member_of if group in self.outputs),
            os=os,
            keys=spec.keys,
            zone=spec.labels.get(ZONE_LABEL) or None,
            volume_gib=volume_gib(spec.labels, default),
            volume_type=spec.labels.get(VOLUME_TYPE_LABEL) or None,
            port=self.outputs["port"] if holder else None,
            subnet=self.outputs.get("own_subnet"),
            pairs=(self.outputs["address"],) if head and self.kind is EndpointKind.VIRTUAL else (),
            pools=pools,
        )


def place_of(stack: Stack) -> Place:
    """Of a stack that was looked at alone, so that its outputs are known."""
    return Place(stack.outputs, stack.name.removeprefix("jeroboam-"))


class Planner:
    """What a cluster's network stack shall be. Asks the cloud what its words mean."""

    def __init__(self, rest: Rest, settings: OpenStackSettings) -> None:
        self._rest = rest
        self._neutron = Neutron(rest)
        self._settings = settings

    async def network_plan(self, cluster: Cluster, spec: NetworkSpec) -> NetworkPlan:
        """Raises NotFound and InvalidRequest for networks that the tenant named."""
        shape, project = cluster.shape, cluster.project_id
        external = await self._one(project, "network", shape.external_network_id)
        network, subnet = await self.given(cluster)
        return NetworkPlan(
            cluster_uuid=cluster.uuid,
            slug=cluster_slug(cluster.name, cluster.uuid),
            cidr=subnet["cidr"] if subnet else self.cidr(cluster),
            endpoint=await self.endpoint_kind(project, spec.control_planes),
            port=spec.endpoint_port,
            protocol=spec.endpoint_protocol,
            inner_ports=spec.inner_ports,
            external=external["id"] if external else None,
            floating=shape.floating_ip_enabled,
            dns=tuple(shape.dns_nameserver.split(",")) if shape.dns_nameserver else (),
            network=network["id"] if network else None,
            subnet=subnet["id"] if subnet else None,
            mtu=int(network.get("mtu") or 1500) if network else 1500,
            bare=shape.server_type == BARE,
        )

    async def given(self, cluster: Cluster) -> tuple[Found, Found]:
        """The tenant's own network and subnet; None, None when it names neither. A node's address, and the range that nodes trust, are
        of one subnet: where the network has several, one must be named. Raises NotFound and InvalidRequest."""
        shape, project = cluster.shape, cluster.project_id
        network = await self._one(project, "network", shape.fixed_network)
        subnet = await self._one(project, "subnet", shape.fixed_subnet)
        if subnet and not network:
            return await self._one(project, "network", subnet["network_id"]), subnet
        if network and not subnet:
            return network, await self._only(project, network)
        if network and subnet and subnet["network_id"] != network["id"]:
            raise InvalidRequest(
                f"The subnet {shape.fixed_subnet} is not in the network {shape.fixed_network}.",
                value=shape.fixed_subnet,
                hint="Name one of its own, or leave the network out.",
            )
        return network, subnet

    async def _only(self, project: str, network: Mapping[str, Any]) -> Mapping[str, Any]:
        subnets = await self._neutron.subnets(project, network["id"])
        if len(subnets) != 1:
            raise InvalidRequest(
                f"The network {network['name']} has {len(subnets) or 'no'} IPv4 subnet{'s' if subnets else ''}.",
                value=network["name"],
                hint="Name one as fixed_subnet." if subnets else "Name a network that has one.",
            )
        return subnets[0]

    def cidr(self, cluster: Cluster) -> str:
        """Of a subnet that is to be made."""
        return cluster.shape.labels.get(CIDR_LABEL) or str(self._settings.network_cidr)

    async def endpoint_kind(self, project_id: str, control_planes: int) -> EndpointKind:
        """Octavia where the catalogue has it and there is something to balance."""
        if control_planes < 2:
            return EndpointKind.SINGLE
        balanced = await self._rest.serves(project_id, OCTAVIA)
        return EndpointKind.BALANCER if balanced else EndpointKind.VIRTUAL

    async def _one(self, project_id: str, kind: str, ident: str | None) -> Mapping[str, Any] | None:
        """None when nothing is named."""
        if not ident:
            return None
        found = await self._neutron.find(project_id, kind, ident)
        if not found:
            raise NotFound(kind.capitalize(), ident)
        if len(found) > 1:
            raise InvalidRequest(f"{len(found)} {kind}s are named {ident}.", value=ident, hint="Give the id.")
        return found[0]
