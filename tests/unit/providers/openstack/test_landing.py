"""What preflight says of zones, hosts and volumes, and what the stacks then hold."""

from dataclasses import replace
from typing import Any

from tests.unit.providers.openstack.cloud import FLAVORS
from tests.unit.providers.openstack.worlds import cloud_of

from jeroboam.contracts import DeclaresLabels, Machine
from jeroboam.domain import Role
from jeroboam.providers.openstack import OpenStackProvider
from jeroboam.providers.openstack.rest import CINDER
from jeroboam.testing.provider_suite import WELL, World

WINDOWS = {**FLAVORS[0], "id": "w", "name": "win", "extra_specs": {"aggregate_instance_extra_specs:os": "windows"}}


async def _problems(world: World, role: Role = Role.WORKER, **labels: str) -> list[tuple[str, str, str]]:
    found = await world.provider.preflight(world.cluster, [replace(world.spec(0, role), labels=labels)])
    return [(one.field, one.message, one.hint) for one in found]


async def test_a_zone_must_be_there_and_take_servers(world: World) -> None:
    cloud_of(world).zones = {"az1": True, "az2": True, "closed": False}
    assert await _problems(world, availability_zone="az1") == []
    assert await _problems(world, availability_zone="az2:host7") == []
    for zone in ("closed", "az9"):
        said = ("labels.availability_zone", f"Availability zone {zone} could not be found.", "There are: az1, az2.")
        assert await _problems(world, availability_zone=zone) == [said]


async def test_without_a_zone_nobody_is_asked_for_them(world: World) -> None:
    cloud_of(world).zones = {}
    assert await _problems(world) == []


async def test_a_flavor_that_fits_no_host_is_told_to_those_who_may_see_hosts(world: World) -> None:
    cloud = cloud_of(world)
    cloud.flavors = [*FLAVORS, WINDOWS]
    cloud.zones = {"az1": True, "az2": True}
    world.flavor_id = "win"
    assert await _problems(world) == []  # no administrator: Nova decides
    cloud.aggregates = [{"hosts": ["h1"], "metadata": {"os": "linux"}, "availability_zone": "az1"}]
    asked = "aggregate_instance_extra_specs:os=windows"
    said = f"No host fits flavor win: none is in host aggregates with what it asks for ({asked})."
    hint = "Choose another flavor, or ask the operator of the cloud for such hosts."
    assert await _problems(world) == [("flavor_id", said, hint)]
    assert [one[0] for one in await _problems(world, Role.CONTROL_PLANE)] == ["master_flavor_id"]
    cloud.aggregates.append({"hosts": ["h2"], "metadata": {"os": "windows"}, "availability_zone": "az2"})
    assert await _problems(world) == []
    [elsewhere] = await _problems(world, availability_zone="az1")
    assert elsewhere[1].startswith("No host of the zone az1 fits flavor win: ")
    assert await _problems(world, availability_zone="az2:h2") == []


async def test_a_flavor_without_extra_specs_asks_for_no_aggregates(world: World) -> None:
    cloud = cloud_of(world)
    cloud.flavors = [{key: value for key, value in FLAVORS[0].items() if key != "extra_specs"}]  # not shown to us
    cloud.aggregates = []
    assert await _problems(world) == []


async def test_volumes_have_a_known_type_and_room(world: World) -> None:
    cloud = cloud_of(world)
    cloud.services.add(CINDER)
    cloud.volume_types = [{"id": "t1", "name": "fast"}]
    cloud.volume_quotas = {"volumes": {"limit": 10, "in_use": 10}}
    told = await _problems(world, boot_volume_size="20", boot_volume_type="slow")
    assert [one[:2] for one in told] == [
        ("labels.boot_volume_type", "Volume type slow could not be found."),
        (
            "labels.boot_volume_size",
            "The project's quota of 10 volumes is not enough: 10 are used and 1 more are needed.",
        ),
    ]
    cloud.volume_quotas = {}
    assert await _problems(world, boot_volume_size="20", boot_volume_type="t1") == []
    assert await _problems(world, boot_volume_size="20", boot_volume_type="fast") == []
    [alone] = await _problems(world, boot_volume_type="fast")
    assert alone[:2] == ("labels.boot_volume_type", "Label boot_volume_type has no effect without boot_volume_size.")
    assert await _problems(world, boot_volume_size="much") == []  # whoever reads labels says so


def _server(world: World, name: str) -> Any:
    return cloud_of(world).stack(".0").template["resources"][name]["properties"]


async def test_the_operators_size_counts_where_no_label_speaks(world: World) -> None:
    assert isinstance(world.provider, OpenStackProvider)
    world.provider.use_boot_volume_size(30)
    said = ("labels.boot_volume_size", "This cloud has no volumes (Cinder).", "Set boot_volume_size=0.")
    assert await _problems(world) == [said]
    assert await _problems(world, boot_volume_size="0") == []
    network, endpoint = await world.place()
    for index, labels in enumerate(({}, {"boot_volume_size": "0"})):
        spec = replace(world.spec(index), labels=labels)
        await world.provider.ensure_machine(spec, network, endpoint, WELL)
    assert _server(world, world.spec(0).name)["block_device_mapping_v2"][0]["volume_size"] == 30
    assert "image" in _server(world, world.spec(1).name)


async def test_a_machine_that_is_made_anew_gets_a_new_volume(world: World) -> None:
    """What lies on the old one says that the first boot is done."""
    network, endpoint = await world.place()
    spec = replace(world.spec(), labels={"boot_volume_size": "20", "boot_volume_type": "fast"})
    made = await world.provider.ensure_machine(spec, network, endpoint, WELL)
    assert isinstance(made, Machine)
    cloud = cloud_of(world)
    before = cloud.stack(".0").made[f"{spec.name}.volume"]["id"]
    del cloud.things.servers[made.id]
    again = await world.provider.ensure_machine(spec, network, endpoint, WELL)
    assert again.id != made.id
    assert cloud.stack(".0").made[f"{spec.name}.volume"]["id"] != before
    await world.provider.delete_machine(world.cluster.uuid, spec.name)
    assert not [name for one in cloud.stacks.values() for name in one.made if name.endswith(".volume")]


async def test_the_labels_that_are_read_are_declared(world: World) -> None:
    assert isinstance(world.provider, DeclaresLabels)
    assert [spec.name for spec in world.provider.labels] == [
        "fixed_subnet_cidr",
        "availability_zone",
        "boot_volume_type",
    ]
