"""Clusters of server type bm: what is refused, and what their stacks do not hold."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.providers.openstack.cloud import FLAVORS, IMAGE, Cloud
from tests.unit.providers.openstack.worlds import SETTINGS, cloud_of

from jeroboam.contracts import Machine
from jeroboam.domain import Role
from jeroboam.providers.openstack import OpenStackProvider
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import WELL, World

IRON = {"resources:CUSTOM_LARGE": "1", "resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"}


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud("project-0", "project-1")
    cloud.flavors = [*FLAVORS, {**FLAVORS[0], "id": "i", "name": "iron", "extra_specs": IRON}]
    return cloud


@pytest.fixture
def world(cloud: Cloud) -> World:
    shape = replace(builders.template().shape, image_id="node", server_type="bm")
    cluster = builders.cluster(name="suite", shape=shape)
    return World(OpenStackProvider(cloud, SETTINGS), cluster, "node", "iron")


def _spec(world: World, index: int = 0, role: Role = Role.WORKER, **labels: str) -> Any:
    return replace(world.spec(index, role), labels=labels, server_type="bm")


async def _told(world: World, *specs: Any) -> list[tuple[str, str]]:
    found = await world.provider.preflight(world.cluster, specs or [_spec(world)])
    return [(one.field, one.message) for one in found]


async def test_a_cluster_of_bare_metal_is_served(world: World) -> None:
    assert "bm" in world.provider.server_types
    assert await _told(world) == []


async def test_volumes_are_refused_whoever_wishes_them(world: World) -> None:
    said = "Servers of type bm boot from their own disk, not from a volume."
    assert await _told(world, _spec(world, boot_volume_size="20", boot_volume_type="fast")) == [
        ("labels.boot_volume_size", said),
        ("labels.boot_volume_type", said),
    ]
    assert await _told(world, _spec(world, boot_volume_size="0")) == []
    assert isinstance(world.provider, OpenStackProvider)
    world.provider.use_boot_volume_size(30)  # for virtual machines
    assert await _told(world) == []


async def test_several_control_planes_need_a_balancer(world: World) -> None:
    heads = [_spec(world, index, Role.CONTROL_PLANE) for index in range(3)]
    said = (
        "Several control planes of server type bm need a load balancer (Octavia): no other address passes their ports."
    )
    assert await _told(world, *heads) == [("master_count", said)]


async def test_a_flavor_must_be_one_of_ironic(world: World, cloud: Cloud) -> None:
    world.flavor_id = "m1.small"
    said = "Flavor m1.small is none of bare metal: it asks for no resource class of Ironic (resources:CUSTOM_...)."
    assert await _told(world) == [("flavor_id", said)]
    assert await _told(world, _spec(world, 0, Role.CONTROL_PLANE)) == [("master_flavor_id", said)]
    cloud.flavors = [{key: value for key, value in FLAVORS[0].items() if key != "extra_specs"}]  # not shown to us
    assert await _told(world) == []


async def test_virtual_machines_take_no_physical_server(world: World) -> None:
    world.cluster = replace(world.cluster, shape=replace(world.cluster.shape, server_type="vm"))
    assert await _told(world, world.spec()) == [("flavor_id", "Flavor iron is one of bare metal.")]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"jeroboam_server_type": "bm"}, None),
        ({"jeroboam_server_type": "vm"}, "Image node is made for server type vm, not bm."),
        ({"hypervisor_type": "kvm"}, "Image node is for hosts of kvm, not for bare metal."),
        ({"hypervisor_type": "ironic"}, None),
    ],
)
async def test_an_image_that_says_what_it_is_for_is_believed(
    world: World, monkeypatch: pytest.MonkeyPatch, properties: dict[str, str], said: str | None
) -> None:
    for key, value in properties.items():
        monkeypatch.setitem(IMAGE, key, value)
    assert await _told(world) == ([("image_id", said)] if said else [])


async def test_quotas_of_security_groups_do_not_matter(world: World, cloud: Cloud) -> None:
    cloud.quotas = {"security_group": {"limit": 0, "used": 0}, "network": {"limit": 0, "used": 0}}
    assert [field for field, _ in await _told(world)] == ["fixed_network"]


async def test_no_volume_no_pair_and_no_security_group_is_in_its_stacks(world: World) -> None:
    assert isinstance(world.provider, OpenStackProvider)
    world.provider.use_boot_volume_size(30)
    network, endpoint = await world.place()
    for spec in (_spec(world, 0, Role.CONTROL_PLANE), _spec(world)):
        assert isinstance(await world.provider.ensure_machine(spec, network, endpoint, WELL), Machine)
    resources = [one for stack in cloud_of(world).stacks.values() for one in stack.template["resources"].values()]
    kinds = {one["type"] for one in resources}
    assert {"OS::Nova::Server", "OS::Neutron::Port"} <= kinds
    assert not kinds & {"OS::Neutron::SecurityGroup", "OS::Cinder::Volume"}
    told = {key for one in resources for key in one.get("properties", {})}
    assert not told & {"security_groups", "allowed_address_pairs", "block_device_mapping_v2", "port_security_enabled"}
