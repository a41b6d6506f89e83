"""What a real Neutron makes of pods at their own addresses: pairs at ports, routes at a router, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from jeroboam.contracts import MachineState
from jeroboam.domain import Role, Secret
from jeroboam.providers.openstack import OpenStackSettings
from jeroboam.providers.openstack.neutron import Neutron
from jeroboam.providers.openstack.nova import Server
from jeroboam.providers.openstack.pod_routes import PodRoutes
from jeroboam.providers.openstack.session import KeystoneRest
from jeroboam.providers.openstack.tags import cluster_tag

from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]
PODS = "10.120.0.0/16"


@dataclass(frozen=True)
class Site:
    """A cluster's network as its stack makes it, with ports as Nova makes them."""

    cluster: str
    network: str
    router: str
    servers: tuple[Server, ...]
    neutron: Any  # openstacksdk, as the tenant

    def routes(self) -> dict[str, str]:
        return {one["destination"]: one["nexthop"] for one in self.neutron.get_router(self.router).routes}

    def pairs(self) -> list[list[str]]:
        ports = {port.device_id: port for port in self.neutron.ports(network_id=self.network)}
        return [[pair["ip_address"] for pair in ports[one.id].allowed_address_pairs] for one in self.servers]


@pytest.fixture
def site(openstack_bed: Bed) -> Iterator[Site]:
    neutron, uuid = openstack_bed.connect(openstack_bed.demo).network, str(uuid4())
    network = neutron.create_network(name="routed")
    subnet = neutron.create_subnet(network_id=network.id, ip_version=4, cidr="10.62.0.0/24", name="routed")
    router = neutron.create_router(name="routed")
    ports = [neutron.create_port(network_id=network.id, device_id=str(uuid4())) for _ in range(2)]
    try:
        neutron.set_tags(router, [cluster_tag(uuid)])
        neutron.add_interface_to_router(router, subnet_id=subnet.id)
        servers = tuple(_server(uuid, number, port) for number, port in enumerate(ports))
        yield Site(uuid, network.id, router.id, servers, neutron)
    finally:
        neutron.update_router(router, routes=[])
        for port in ports:
            neutron.delete_port(port)
        with suppress(Exception):
            neutron.remove_interface_from_router(router, subnet_id=subnet.id)
        neutron.delete_router(router)
        neutron.delete_network(network)


def _server(cluster: str, number: int, port: Any) -> Server:
    return Server(
        id=port.device_id,
        name=f"w-{number}",
        cluster_uuid=cluster,
        group="default-worker",
        role=Role.WORKER,
        index=number,
        state=MachineState.RUNNING,
        address=port.fixed_ips[0]["ip_address"],
    )


async def test_neutron_takes_pairs_and_routes_and_gives_the_router_up(openstack_bed: Bed, site: Site) -> None:
    password = Secret(openstack_bed.password.encode())
    settings = OpenStackSettings(openstack_bed.auth_url, "demo", password, region_name=openstack_bed.region)
    rest = KeystoneRest(settings)
    project = str(openstack_bed.connect(openstack_bed.demo).current_project_id)
    pods, (first, second) = PodRoutes(Neutron(rest)), site.servers
    try:
        both: dict[Server, str | None] = {first: "10.120.0.0/24", second: "10.120.1.0/24"}
        for _ in range(2):
            await pods.ensure(project, site.cluster, site.network, PODS, both)
            assert site.routes() == {"10.120.0.0/24": first.address, "10.120.1.0/24": second.address}
            assert site.pairs() == [["10.120.0.0/24"], ["10.120.1.0/24"]]
        moved = {first: None, second: "10.120.0.0/24"}  # made anew elsewhere
        await pods.ensure(project, site.cluster, site.network, PODS, moved)
        assert site.routes() == {"10.120.0.0/24": second.address}
        assert site.pairs() == [[], ["10.120.0.0/24"]]
        await pods.forget(project, site.cluster, second.address)
        assert site.routes() == {}
        await pods.ensure(project, site.cluster, site.network, PODS, both)
        await pods.forget(project, site.cluster, None)
        subnet = next(iter(site.neutron.subnets(network_id=site.network)))
        site.neutron.remove_interface_from_router(
            site.router, subnet_id=subnet.id
        )  # refused while a route leads through it
    finally:
        await rest.close()
