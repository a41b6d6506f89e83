"""What the provider says before anything is made: all that is missing, in one answer."""

from dataclasses import replace

import pytest
from tests.unit.providers.openstack.worlds import cloud_of

from jeroboam.contracts import Flavor, NetworkSpec
from jeroboam.domain import Role
from jeroboam.providers.openstack import quotas
from jeroboam.providers.openstack.rest import CINDER, NEUTRON, Answer
from jeroboam.testing.provider_suite import World

NONE_LEFT = {"limit": 5, "used": 5, "reserved": 0}


async def test_preflight_tells_all_at_once(world: World) -> None:
    cloud = cloud_of(world)
    cloud.limits = {"maxTotalInstances": 10, "totalInstancesUsed": 8, "maxTotalRAMSize": 2048, "totalRAMUsed": 0}
    cloud.quotas = {"port": {"limit": 5, "used": 2, "reserved": 1}}
    specs = [world.spec(index, Role.CONTROL_PLANE) for index in range(3)]
    problems = await world.provider.preflight(world.cluster, specs)
    assert [(one.field, one.message) for one in problems] == [
        ("node_count", "The project's quota of 10 instances is not enough: 8 are used and 3 more are needed."),
        ("node_count", "The project's quota of 2048 MiB of memory is not enough: 0 are used and 3072 more are needed."),
        ("node_count", "The project's quota of 5 ports is not enough: 3 are used and 5 more are needed."),
    ]


async def test_preflight_reads_the_labels_that_it_will_act_by(world: World) -> None:
    shape = replace(world.cluster.shape, labels={"fixed_subnet_cidr": "10.0.0.0/29"})
    cluster = replace(world.cluster, shape=shape)
    specs = [replace(world.spec(index), labels={"boot_volume_size": "20"}) for index in range(4)]
    problems = await world.provider.preflight(cluster, specs)
    assert [(one.field, one.message) for one in problems] == [
        ("labels.fixed_subnet_cidr", "4 nodes do not fit the network 10.0.0.0/29, which has room for 3."),
        ("labels.boot_volume_size", "This cloud has no volumes (Cinder)."),
    ]
    wrong = replace(cluster, shape=replace(shape, labels={"fixed_subnet_cidr": "10.0.0.0.0/8"}))
    [problem] = await world.provider.preflight(wrong, [world.spec()])
    assert problem.message.startswith("10.0.0.0.0/8 is no IPv4 network: ")


async def test_preflight_wants_a_flavor_that_exists(world: World) -> None:
    for word, said in ((None, "A flavor is needed for every machine."), ("huge", "Unable to find flavor huge.")):
        world.flavor_id = word
        [problem] = await world.provider.preflight(world.cluster, [world.spec()])
        assert (problem.field, problem.message) == ("flavor_id", said)


async def test_a_network_of_the_tenant_needs_one_subnet(world: World) -> None:
    cloud = cloud_of(world)
    cloud.things.networks["n"] = {"id": "n", "name": "theirs", "mtu": 1400}
    shape = replace(world.cluster.shape, fixed_network="theirs")
    cluster = replace(world.cluster, shape=shape)
    subnets = [
        {"id": f"s{number}", "name": f"s{number}", "network_id": "n", "ip_version": 4, "cidr": f"10.{number}.0.0/24"}
        for number in range(2)
    ]
    said = []
    for subnet in (None, *subnets):
        if subnet:
            cloud.things.subnets[str(subnet["id"])] = subnet
        said.append([(one.field, one.message) for one in await world.provider.preflight(cluster, [world.spec()])])
    assert said == [
        [("fixed_network", "The network theirs has no IPv4 subnet.")],
        [],
        [("fixed_network", "The network theirs has 2 IPv4 subnets.")],
    ]
    named = replace(cluster, shape=replace(shape, fixed_subnet="s1"))
    assert await world.provider.preflight(named, [world.spec()]) == []
    assert (await world.provider.ensure_network(named, NetworkSpec(endpoint_port=6443))).cidr == "10.1.0.0/24"
    # It grows, and stays in the subnet of its stack.
    assert await world.provider.preflight(cluster, [world.spec()]) == []
    beside = replace(world.beside().cluster, project_id=cluster.project_id)
    named = replace(beside, shape=named.shape)
    elsewhere = replace(named, shape=replace(shape, fixed_network=None, fixed_subnet="s0"))
    cloud.things.networks["m"] = {"id": "m", "name": "other"}
    crossed = replace(named, shape=replace(shape, fixed_network="other", fixed_subnet="s0"))
    assert await world.provider.preflight(elsewhere, [world.spec()]) == []
    [problem] = await world.provider.preflight(crossed, [world.spec()])
    assert problem.message == "The subnet s0 is not in the network other."


async def test_preflight_counts_what_the_network_takes(world: World) -> None:
    cloud = cloud_of(world)
    kinds = ("network", "subnet", "router", "floatingip", "security_group", "security_group_rule", "port")
    cloud.quotas = dict.fromkeys(kinds, NONE_LEFT)
    cloud.things.networks["out"] = {"id": "out", "name": "public"}
    cluster = replace(world.cluster, shape=replace(world.cluster.shape, external_network_id="public"))
    heads = [world.spec(0, Role.CONTROL_PLANE), world.spec(0)]
    problems = await world.provider.preflight(cluster, heads)
    said = "The project's quota of 5 {} is not enough: 5 are used and {} more are needed."
    assert [(one.field, one.message) for one in problems] == [
        ("fixed_network", said.format("networks", 1)),
        ("fixed_network", said.format("subnets", 1)),
        ("fixed_network", said.format("routers", 1)),
        ("floating_ip_enabled", said.format("floating addresses", 1)),
        ("", said.format("security groups", 2)),
        ("", said.format("security group rules", 7)),
        ("node_count", said.format("ports", 4)),
    ]
    assert all(one.hint.startswith("Free some of it, or ask the operator of the cloud for more.") for one in problems)
    inside = replace(cluster, shape=replace(cluster.shape, floating_ip_enabled=False))
    fields = {one.field for one in await world.provider.preflight(inside, heads)}
    assert fields == {"fixed_network", "", "node_count"}


async def test_preflight_counts_no_network_that_is_the_tenants_own(world: World) -> None:
    cloud = cloud_of(world)
    cloud.quotas = dict.fromkeys(("network", "subnet", "router", "security_group"), NONE_LEFT)
    cloud.things.networks["n"] = {"id": "n", "name": "theirs"}
    cloud.things.subnets["s"] = {"id": "s", "name": "s", "network_id": "n", "ip_version": 4, "cidr": "10.1.0.0/24"}
    cluster = replace(world.cluster, shape=replace(world.cluster.shape, fixed_network="theirs"))
    assert [one.field for one in await world.provider.preflight(cluster, [world.spec()])] == [""]


async def test_a_cluster_that_grows_needs_ports_and_no_second_network(world: World) -> None:
    cloud = cloud_of(world)
    await world.place()
    cloud.quotas = dict.fromkeys(("network", "subnet", "router", "security_group", "port"), NONE_LEFT)
    [problem] = await world.provider.preflight(world.cluster, [world.spec()])
    assert problem.message == "The project's quota of 5 ports is not enough: 5 are used and 1 more are needed."


async def test_preflight_asks_for_the_volumes_that_machines_boot_from(world: World) -> None:
    cloud = cloud_of(world)
    cloud.services.add(CINDER)
    cloud.volume_quotas = {
        "volumes": {"limit": 10, "in_use": 7, "reserved": 1},
        "gigabytes": {"limit": 1000, "in_use": 950, "reserved": 0},
        "per_volume_gigabytes": {"limit": 20, "in_use": 0, "reserved": 0},
        "backups": {"limit": 0, "in_use": 0, "reserved": 0},
    }
    specs = [replace(world.spec(index), labels={"boot_volume_size": str(20 + index)}) for index in range(3)]
    problems = await world.provider.preflight(world.cluster, specs)
    said = "The project's quota of {} {} is not enough: {} are used and {} more are needed."
    assert [(one.field, one.message) for one in problems] == [
        ("labels.boot_volume_size", said.format(10, "volumes", 8, 3)),
        ("labels.boot_volume_size", said.format(1000, "GiB of volumes", 950, 63)),
        ("labels.boot_volume_size", said.format(20, "GiB in one volume", 0, 22)),
    ]
    assert await world.provider.preflight(world.cluster, [world.spec()]) == []


@pytest.mark.parametrize("service", [NEUTRON, CINDER])
async def test_a_cloud_that_does_not_tell_its_quotas_refuses_nothing(world: World, service: str) -> None:
    cloud = cloud_of(world)
    cloud.services.add(CINDER)
    cloud.answers = [(service, "GET", "quota", Answer(403, {"error": {"message": "not for you"}}))]
    spec = replace(world.spec(), labels={"boot_volume_size": "20"})
    assert await world.provider.preflight(world.cluster, [spec]) == []
    assert cloud.answers == []


def test_control_planes_are_kept_apart_by_a_group_that_is_counted() -> None:
    limits = {"maxServerGroups": 2, "totalServerGroupsUsed": 2, "maxServerGroupMembers": 3}
    flavors = [Flavor("1", "small", 1, 1024)] * 7
    said = [(one.field, one.message) for one in quotas.of_servers(limits, flavors, [5])]
    assert said == [
        ("master_count", "The project's quota of 2 server groups is not enough: 2 are used and 1 more are needed."),
        (
            "master_count",
            "The project's quota of 3 members of a server group is not enough: 0 are used and 5 more are needed.",
        ),
    ]
    assert quotas.of_servers(limits, flavors, []) == []
