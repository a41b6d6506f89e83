"""Pods at their own addresses: what ports let through, and where the router leads."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.providers.openstack.cloud import Cloud
from tests.unit.providers.openstack.worlds import KEY, SETTINGS, cloud_of, make

from jeroboam.contracts import Machine, PodRouter
from jeroboam.domain.errors import ProviderRefused
from jeroboam.providers.openstack import OpenStackProvider
from jeroboam.providers.openstack.rest import NEUTRON, Answer
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import World

PODS = "10.100.0.0/16"


@pytest.fixture
def world(cloud: Cloud) -> World:
    """Behind a router of its own."""
    cloud.things.networks["outside"] = {"id": "outside", "name": "public"}
    provider = OpenStackProvider(cloud, SETTINGS)
    provider.use_key(KEY)
    shape = replace(builders.template().shape, external_network_id="public")
    return World(provider, builders.cluster(name="suite", shape=shape), "node", "m1.small")


async def two(world: World) -> list[Machine]:
    made = await make(world, 0, 1)
    return [one for one in made.values() if isinstance(one, Machine)]


async def route(world: World, ranges: dict[str, str]) -> str:
    assert isinstance(world.provider, PodRouter)
    network, _ = await world.place()
    return await world.provider.route_pods(world.cluster, network, PODS, ranges)


def pairs(cloud: Cloud) -> dict[str, list[str]]:
    """Allowed addresses, by the server that has the port."""
    names = {one["id"]: one["name"] for one in cloud.things.servers.values()}
    return {
        names[port["device_id"]]: [pair["ip_address"] for pair in port.get("allowed_address_pairs", [])]
        for port in cloud.things.ports.values()
        if port["device_id"] in names
    }


def router(cloud: Cloud) -> Any:
    [found] = cloud.things.routers.values()
    return found


def routes(cloud: Cloud) -> dict[str, str]:
    return {one["destination"]: one["nexthop"] for one in router(cloud).get("routes", [])}


async def test_a_machine_may_send_its_pods_addresses_and_is_led_to_for_them(world: World) -> None:
    first, second = await two(world)
    await route(world, {first.name: "10.100.1.0/24", second.name: "10.100.2.0/24"})
    cloud = cloud_of(world)
    assert pairs(cloud) == {first.name: ["10.100.1.0/24"], second.name: ["10.100.2.0/24"]}
    assert routes(cloud) == {"10.100.1.0/24": first.address, "10.100.2.0/24": second.address}


async def test_what_is_so_already_is_not_written_again(world: World) -> None:
    first, second = await two(world)
    ranges = {first.name: "10.100.1.0/24", second.name: "10.100.2.0/24"}
    await route(world, ranges)
    before = cloud_of(world).calls[f"{NEUTRON} PUT"]
    await route(world, ranges)
    assert cloud_of(world).calls[f"{NEUTRON} PUT"] == before


async def test_what_led_elsewhere_among_pods_goes_and_all_else_stays(world: World) -> None:
    first, second = await two(world)
    cloud = cloud_of(world)
    mine = {"destination": "192.168.7.0/24", "nexthop": "10.0.0.9"}
    router(cloud)["routes"] = [mine, {"destination": "10.100.1.0/24", "nexthop": "10.0.0.99"}]
    port = next(port for port in cloud.things.ports.values() if port["device_id"] == first.id)
    port["allowed_address_pairs"] = [{"ip_address": one} for one in ("10.0.0.200", "10.100.9.0/24", "0.0.0.0/0")]
    await route(world, {first.name: "10.100.1.0/24", "nobody": "10.100.8.0/24"})
    assert routes(cloud) == {"192.168.7.0/24": "10.0.0.9", "10.100.1.0/24": first.address}
    assert pairs(cloud) == {first.name: ["10.0.0.200", "10.100.1.0/24"], second.name: []}


async def test_a_machine_takes_its_route_along(world: World) -> None:
    first, second = await two(world)
    await route(world, {first.name: "10.100.1.0/24", second.name: "10.100.2.0/24"})
    await world.provider.delete_machine(world.cluster.uuid, first.name)
    assert routes(cloud_of(world)) == {"10.100.2.0/24": second.address}
    await world.provider.delete_machine(world.cluster.uuid, first.name)


async def test_routes_do_not_hold_the_network(world: World) -> None:
    first, _ = await two(world)
    await route(world, {first.name: "10.100.1.0/24"})
    await world.provider.delete_all(world.cluster.uuid)
    assert await world.provider.list_resources(world.cluster.uuid) == []


async def test_where_neutron_does_not_let_us_it_says_so(world: World) -> None:
    first, _ = await two(world)
    no = Answer(403, {"NeutronError": {"message": "rule:update_port is disallowed by policy"}})
    cloud_of(world).answers.append((NEUTRON, "PUT", "^/ports/", no))
    with pytest.raises(ProviderRefused, match=r"Port port-\S+ was not given the addresses of pods: rule:update_port"):
        await route(world, {first.name: "10.100.1.0/24"})


async def test_a_port_without_port_security_needs_no_leave(world: World) -> None:
    first, _ = await two(world)
    cloud = cloud_of(world)
    for port in cloud.things.ports.values():
        port["port_security_enabled"] = False
    await route(world, {first.name: "10.100.1.0/24"})
    assert set(map(tuple, pairs(cloud).values())) == {()}
    assert routes(cloud) == {"10.100.1.0/24": first.address}


def in_the_tenants_network(cloud: Cloud, name: str) -> World:
    """A cluster beside others in one network, which is none of theirs."""
    cloud.things.networks["own"] = {"id": "own", "name": "own", "mtu": 1500}
    subnet = {"id": "sub", "name": "sub", "network_id": "own", "cidr": "10.0.0.0/24", "ip_version": 4}
    cloud.things.subnets["sub"] = subnet
    provider = OpenStackProvider(cloud, SETTINGS)
    provider.use_key(KEY)
    shape = replace(builders.template().shape, fixed_network="own")
    return World(provider, builders.cluster(name=name, shape=shape), "node", "m1.small")


async def test_clusters_in_one_network_leave_each_others_pods_alone(cloud: Cloud) -> None:
    worlds = [in_the_tenants_network(cloud, name) for name in ("one", "other")]
    firsts = [(await two(world))[0].name for world in worlds]
    for number in (0, 1, 0):
        await route(worlds[number], {firsts[number]: "10.100.1.0/24"})
    assert sorted(name for name, allowed in pairs(cloud).items() if allowed == ["10.100.1.0/24"]) == sorted(firsts)


async def test_a_node_without_pods_of_its_own_any_more_may_send_none(world: World) -> None:
    first, second = await two(world)
    await route(world, {first.name: "10.100.1.0/24", second.name: "10.100.2.0/24"})
    await route(world, {second.name: "10.100.2.0/24"})
    assert pairs(cloud_of(world)) == {first.name: [], second.name: ["10.100.2.0/24"]}


@pytest.mark.parametrize("room", range(5))
async def test_a_router_leads_to_as_many_as_it_may_and_says_whom_it_leaves(world: World, room: int) -> None:
    made = [one for one in (await make(world, 0, 1, 2, 3)).values() if isinstance(one, Machine)]
    cloud = cloud_of(world)
    cloud.max_routes = room
    ranges = {one.name: f"10.100.{number}.0/24" for number, one in enumerate(made, start=1)}
    for _ in range(2):
        told = await route(world, ranges)
        assert list(routes(cloud)) == list(ranges.values())[:room]
        assert pairs(cloud) == {name: [cidr] for name, cidr in ranges.items()}
        if room == 4:
            assert told == ""
        else:
            assert f"leads to the pods of {room} of 4 nodes" in told
            assert f"not reached: {ranges[made[room].name]} at {made[room].address}" in told


async def test_routes_that_neutron_does_not_take_for_another_reason_are_an_error(world: World) -> None:
    first, _ = await two(world)
    no = Answer(400, {"NeutronError": {"type": "InvalidRoutes", "message": "the nexthop is not connected with router"}})
    cloud_of(world).answers.append((NEUTRON, "PUT", "add_extraroutes$", no))
    with pytest.raises(ProviderRefused, match="the nexthop is not connected"):
        await route(world, {first.name: "10.100.1.0/24"})
