"""The provider on a small cloud: the suite that every provider passes, and what befalls this one."""

import re
from dataclasses import replace

import pytest
from tests.unit.providers.openstack.cloud import IMAGE, Cloud
from tests.unit.providers.openstack.worlds import SETTINGS, another, cloud_of, make

from jeroboam.contracts import Machine, MachineRequest, MachineState, NetworkSpec
from jeroboam.domain import Role
from jeroboam.domain.errors import (
    HostUnsupported,
    NotFound,
    ProviderRefused,
    ProviderUnavailable,
    QuotaExceeded,
)
from jeroboam.providers.openstack import OpenStackProvider
from jeroboam.providers.openstack.growth import Growth
from jeroboam.providers.openstack.heat import Heat
from jeroboam.providers.openstack.rest import HEAT, NEUTRON, NOVA, Answer
from jeroboam.providers.openstack.user_data import render_boot
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import SPEC, WELL, BatchSuite, CensusSuite, ProviderSuite, World


class TestSuite(ProviderSuite, BatchSuite, CensusSuite):
    settle_s = 5.0

    @pytest.fixture
    async def provider(self) -> OpenStackProvider:
        return OpenStackProvider(Cloud(), SETTINGS)

    @pytest.fixture
    def image_id(self) -> str:
        return str(IMAGE["name"])

    @pytest.fixture
    def flavor_id(self) -> str | None:
        return "m1.small"


async def test_a_hundred_machines_cost_no_more_calls_than_two_that_are_in_as_many_stacks(world: World) -> None:
    cloud = cloud_of(world)
    await world.place()
    cloud.calls.clear()
    await make(world, 0, 50)
    few = cloud.calls.total()
    many = world.beside()
    await many.place()
    cloud.calls.clear()
    made = await make(many, *range(100))
    assert all(isinstance(one, Machine) for one in made.values())
    assert cloud.calls.total() == few
    assert cloud.calls["orchestration POST"] == 2


async def test_more_user_data_than_a_request_holds_is_given_in_several(cloud: Cloud, world: World) -> None:
    world.provider = OpenStackProvider(cloud, SETTINGS, request_bytes=2 * len(render_boot(WELL, bytes)) + 300)
    await make(world, 0, 1, 2)
    assert cloud.calls["orchestration PUT"] == 1
    assert len(await world.provider.list_machines(world.cluster.uuid)) == 3


async def test_a_machine_without_a_host_says_so_and_is_made_when_there_is_one(world: World) -> None:
    cloud, lost = cloud_of(world), world.spec(1).name
    cloud.things.no_host = {lost}
    made = await make(world, 0, 1)
    assert isinstance(made[0], Machine)
    error = made[1]
    assert isinstance(error, ProviderRefused)
    assert error.message == f"{lost}: ResourceInError: Went to status ERROR due to No valid host was found."
    assert error.hint.startswith("No host of the cloud has room for this flavor")
    cloud.things.no_host = set()
    again = await make(world, 1)
    assert isinstance(again[1], Machine)
    assert (await world.settled(lost, 5)).done  # it has something to boot with


async def test_a_control_plane_in_error_lets_go_of_the_endpoints_port(world: World) -> None:
    made = (await make(world, 0, role=Role.CONTROL_PLANE))[0]
    assert isinstance(made, Machine)
    cloud_of(world).things.servers[made.id]["status"] = "ERROR"
    again = (await make(world, 0, role=Role.CONTROL_PLANE))[0]
    assert isinstance(again, Machine), again
    assert (again.id != made.id, again.address) == (True, made.address)
    assert (await world.settled(made.name, 5)).done


async def test_a_control_plane_in_error_behind_a_shared_address_lets_go_of_its_port(world: World) -> None:
    """Its port lets the shared address pass; the endpoint's is nobody's."""
    shared = NetworkSpec(endpoint_port=2376, control_planes=3, inner_ports=(2377,))
    world.cluster = builders.cluster(name="held", shape=replace(world.cluster.shape, coe="swarm"))
    network, endpoint = await world.place(shared)
    assert isinstance(world.provider, OpenStackProvider)
    specs = [world.spec(index, Role.CONTROL_PLANE) for index in range(3)]
    made = await world.provider.ensure_machines([MachineRequest(one, WELL) for one in specs], network, endpoint)
    one = made[specs[1].name]
    assert isinstance(one, Machine)
    cloud = cloud_of(world)
    before = {index: made[specs[index].name] for index in (0, 2)}
    cloud.things.servers[one.id]["status"] = "ERROR"
    again = (await world.provider.ensure_machines([MachineRequest(specs[1], WELL)], network, endpoint))[one.name]
    assert isinstance(again, Machine), again
    assert again.id != one.id
    assert (await world.settled(one.name, 5)).done
    there = {machine.name: machine.id for machine in await world.provider.list_machines(world.cluster.uuid)}
    assert {index: there[specs[index].name] for index in before} == {
        index: machine.id for index, machine in before.items() if isinstance(machine, Machine)
    }


async def test_a_worker_in_error_in_a_subnet_of_its_own_lets_go_of_its_port(world: World) -> None:
    cloud = cloud_of(world)
    cloud.things.networks["own"] = {"id": "own", "name": "own", "mtu": 1500}
    cloud.things.subnets["sub"] = {
        "id": "sub",
        "name": "sub",
        "network_id": "own",
        "cidr": "10.0.0.0/24",
        "ip_version": 4,
    }
    shape = replace(world.cluster.shape, fixed_network="own", fixed_subnet="sub")
    world.cluster = builders.cluster(name="own", shape=shape)
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    cloud.things.servers[made.id]["status"] = "ERROR"
    again = (await make(world, 0))[0]
    assert isinstance(again, Machine), again
    assert again.id != made.id
    assert (await world.settled(made.name, 5)).done


@pytest.mark.parametrize("wanted", [(0,), (0, 1)])
async def test_a_port_that_is_let_go_makes_no_other_broken_machine_with_nothing_to_boot(
    world: World, wanted: tuple[int, ...]
) -> None:
    cloud, lost = cloud_of(world), world.spec(1, Role.CONTROL_PLANE).name
    cloud.things.no_host = {lost}
    made = (await make(world, 0, 1, role=Role.CONTROL_PLANE))[0]
    assert isinstance(made, Machine)
    cloud.things.servers[made.id]["status"] = "ERROR"
    cloud.things.no_host = set()
    again = await make(world, *wanted, role=Role.CONTROL_PLANE)
    assert all(isinstance(one, Machine) for one in again.values()), again
    there = await world.provider.list_machines(world.cluster.uuid)
    assert [one.index for one in there] == list(wanted)
    for one in there:
        assert (await world.settled(one.name, 5)).done


async def test_a_broken_machine_that_nobody_asks_for_is_not_made_with_nothing_to_boot(world: World) -> None:
    cloud = cloud_of(world)
    cloud.things.no_host = {world.spec(1).name}
    await make(world, 0, 1)
    cloud.things.no_host = set()
    await make(world, 2)
    names = [machine.name for machine in await world.provider.list_machines(world.cluster.uuid)]
    assert names == [world.spec(0).name, world.spec(2).name]
    assert sorted(one for one in cloud.stack(".0").made if one != "signal") == names


async def test_a_quota_hit_half_way_is_a_quota(world: World) -> None:
    cloud = cloud_of(world)
    network, endpoint = await world.place()
    said = {"forbidden": {"message": "Quota exceeded for cores: Requested 4, but already used 20 of 20 cores"}}
    cloud.answers = [(HEAT, "POST", "stacks$", Answer(403, said))]
    with pytest.raises(QuotaExceeded, match="already used 20 of 20 cores"):
        await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)


async def test_heat_that_fails_for_a_while_is_asked_again_later(world: World) -> None:
    network, endpoint = await world.place()
    cloud_of(world).answers = [(HEAT, "POST", "stacks$", Answer(500, {"error": {"message": "database is away"}}))]
    with pytest.raises(ProviderUnavailable, match=r"Stack jeroboam-\S+ was not created: database is away"):
        await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)
    assert (await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)).state is MachineState.RUNNING


async def test_a_server_that_was_deleted_by_hand_is_made_again(world: World) -> None:
    made = await make(world, 0, 1)
    gone = made[0]
    assert isinstance(gone, Machine)
    del cloud_of(world).things.servers[gone.id]
    again = await make(world, 0, 1)
    assert isinstance(again[0], Machine)
    assert again[0].id != gone.id
    assert again[1] == made[1]
    assert (await world.settled(gone.name, 5)).done


async def test_servers_in_a_part_of_the_cloud_that_is_down_are_not_gone(world: World) -> None:
    made = await make(world, 0, 1)
    assert isinstance(made[0], Machine)
    cloud = cloud_of(world)
    cloud.down = {made[0].id}
    said = f"Nova tells nothing of 1 servers of the project, first {made[0].id}: a part of the cloud is down."
    with pytest.raises(ProviderUnavailable) as caught:
        await another(world).list_machines(world.cluster.uuid)
    assert caught.value.message == said
    with pytest.raises(ProviderUnavailable):
        await make(world, 2)
    with pytest.raises(ProviderUnavailable):
        await world.provider.delete_machine(world.cluster.uuid, world.spec(1).name)
    cloud.down = set()
    assert (await make(world, 0, 1)) == made


async def test_more_servers_than_a_page_holds_are_all_seen(world: World) -> None:
    await make(world, *range(5))
    cloud_of(world).page = 2
    assert len(await another(world).list_machines(world.cluster.uuid)) == 5


async def test_a_server_that_is_not_seen_stays_in_its_stack(world: World) -> None:
    """Only what is seen to have failed goes at the next change."""
    cloud = cloud_of(world)
    made = (await make(world, 0, 1))[0]
    assert isinstance(made, Machine)
    unseen = cloud.things.servers.pop(made.id)
    await make(world, 2)
    await world.provider.delete_machine(world.cluster.uuid, world.spec(1).name)
    cloud.things.servers[made.id] = unseen
    left = await another(world).list_machines(world.cluster.uuid)
    assert [one.id for one in left if one.index == 0] == [made.id]
    assert [one.index for one in left] == [0, 2]


async def test_a_machine_that_heat_could_not_begin_is_not_made_with_nothing_to_boot(world: World) -> None:
    cloud, lost = cloud_of(world), world.spec(1).name
    cloud.things.no_host = {lost}
    await make(world, 0, 1)
    cloud.things.no_host = set()
    [never] = [one["id"] for one in cloud.things.servers.values() if one["name"] == lost]
    del cloud.things.servers[never]
    await make(world, 2)
    names = [machine.name for machine in await world.provider.list_machines(world.cluster.uuid)]
    assert names == [world.spec(0).name, world.spec(2).name]


async def test_a_stack_whose_deletion_failed_is_told_and_made_anew_when_it_is_wanted(world: World) -> None:
    cloud = cloud_of(world)
    await make(world, 0)
    stack = cloud.stack(".0")
    cloud.held = {stack.name}
    name = world.spec(0).name
    with pytest.raises(ProviderUnavailable, match=f"Server {name} is still being deleted"):
        await world.provider.delete_machine(world.cluster.uuid, name)
    said = f"Stack {stack.name} cannot be deleted: Resource DELETE failed: resources.worker: away"
    refused = (await make(world, 0))[0]
    assert isinstance(refused, ProviderUnavailable)
    assert refused.message == said
    with pytest.raises(ProviderUnavailable) as caught:
        await world.provider.delete_machine(world.cluster.uuid, name)
    assert caught.value.message == said
    cloud.held = set()
    assert isinstance((await make(world, 0))[0], Machine)
    assert cloud.stack(".0").id != stack.id


@pytest.mark.parametrize("status", ["SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED_OFFLOADED"])
async def test_a_server_that_rests_is_started(world: World, status: str) -> None:
    made = await make(world, 0)
    assert isinstance(made[0], Machine)
    cloud_of(world).things.servers[made[0].id]["status"] = status
    assert (await make(world, 0)) == made


async def test_one_that_cannot_be_started_says_why_and_the_others_go_on(world: World) -> None:
    made = await make(world, 0)
    assert isinstance(made[0], Machine)
    cloud = cloud_of(world)
    cloud.things.servers[made[0].id]["status"] = "PAUSED"
    cloud.answers = [(NOVA, "POST", "action$", Answer(409, {"conflictingRequest": {"message": "Instance is locked"}}))]
    both = await make(world, 0, 1)
    assert isinstance(both[0], ProviderUnavailable)
    assert both[0].message == f"Server {made[0].id} was not started: Instance is locked"
    assert isinstance(both[1], Machine)


async def test_a_server_on_its_way_is_let_alone(world: World) -> None:
    made = await make(world, 0)
    assert isinstance(made[0], Machine)
    cloud = cloud_of(world)
    cloud.things.servers[made[0].id] |= {"status": "SHUTOFF", "OS-EXT-STS:task_state": "powering-on"}
    answer = (await make(world, 0))[0]
    assert isinstance(answer, ProviderUnavailable)
    assert cloud.calls["compute POST"] == 0


async def test_a_stack_that_somebody_changed_is_left_alone(world: World) -> None:
    await make(world, 0)
    stack = cloud_of(world).stack(".0")
    stack.template = {**stack.template, "description": "mine now"}
    error = (await make(world, 0, 1))[1]
    assert isinstance(error, ProviderRefused)
    assert error.message == (
        f"Stack {stack.name} was changed by somebody else: its template is not the one of the last change by Jeroboam."
    )
    with pytest.raises(ProviderRefused, match="was changed by somebody else"):
        await world.provider.delete_machine(world.cluster.uuid, world.spec(0).name)


async def test_a_stack_in_progress_is_waited_for(world: World) -> None:
    cloud = cloud_of(world)
    await make(world, 0)
    cloud.stack(".0").busy = 1
    assert isinstance((await make(world, 1))[1], Machine)


async def test_a_stack_is_asked_for_by_its_id_and_found_when_it_was_made_anew(world: World) -> None:
    """By its name Heat sends who asks on to the id: two calls."""
    cloud = cloud_of(world)
    network, endpoint = await world.place()
    await make(world, 0)
    before = cloud.calls["by name"]
    cloud.stack(".0").busy = 2
    await make(world, 1)
    assert cloud.calls["by name"] == before
    old = cloud.stack(".0").id
    for index in (0, 1):
        await world.provider.delete_machine(world.cluster.uuid, world.spec(index).name)
    await make(world, 0)
    assert cloud.stack(".0").id != old
    assert (await world.provider.ensure_network(world.cluster, SPEC), endpoint) == (network, endpoint)
    await world.provider.delete_all(world.cluster.uuid)
    assert isinstance(world.provider, OpenStackProvider)
    assert world.provider._heat._ids == {}


async def test_waiting_for_heat_has_an_end(world: World) -> None:
    await make(world, 0)
    stack = cloud_of(world).stack(".0")
    stack.busy = 100
    stack.made[world.spec(0).name]["status"] = "CREATE_IN_PROGRESS"
    said = f"Stack {stack.name} is still at CREATE_IN_PROGRESS: Heat waits for {world.spec(0).name} (OS::Nova::Server)."
    with pytest.raises(ProviderUnavailable, match=re.escape(said)):
        await Growth(Heat(cloud_of(world))).settled("project-1", stack.name, until=0.0)
    cloud_of(world).answers = [(HEAT, "GET", "resources$", Answer(503, {}))]
    with pytest.raises(ProviderUnavailable, match=r"is still at CREATE_IN_PROGRESS\.$"):
        await Growth(Heat(cloud_of(world))).settled("project-1", stack.name, until=0.0)


async def test_the_last_machine_takes_its_stack_along(world: World) -> None:
    await make(world, 0, 1)
    for index in (0, 1):
        await world.provider.delete_machine(world.cluster.uuid, world.spec(index).name)
    kinds = {one.kind: one.name for one in await world.provider.list_resources(world.cluster.uuid)}
    assert set(kinds) == {"stack", "network"}
    assert not kinds["stack"].endswith(".0")


async def test_a_foreign_port_in_the_network_stops_the_deletion_until_it_is_gone(world: World) -> None:
    cloud = cloud_of(world)
    network, _ = await world.place()
    cloud.things.ports["p"] = {
        "id": "p",
        "network_id": network.id,
        "device_id": "their-server",
        "device_owner": "compute:az",
    }
    with pytest.raises(ProviderUnavailable) as caught:
        await world.provider.delete_all(world.cluster.uuid)
    assert "subnet: Conflict: One or more ports have an IP allocation" in caught.value.message
    assert "Subnet subnet (id " in (log := caught.value.log)
    assert log.count("not removed: Unable to complete operation on ") == 2
    assert log.count(": removed") == len(log.splitlines()) - 2
    assert "port p of their-server: remove it, and the deletion goes on." in caught.value.hint
    del cloud.things.ports["p"]
    await world.provider.delete_all(world.cluster.uuid)
    assert await world.provider.list_resources(world.cluster.uuid) == []


async def test_a_stack_that_heat_cannot_delete_is_taken_apart_and_then_goes(world: World) -> None:
    """Somebody has tied a network of his own to the cluster's router: Heat takes off only what it put on."""
    cloud = cloud_of(world)
    cloud.things.networks["public"] = {"id": "public", "name": "public", "router:external": True}
    world.cluster = replace(world.cluster, shape=replace(world.cluster.shape, external_network_id="public"))
    await world.place()
    [router] = cloud.things.routers
    owner = {"device_id": router, "device_owner": "network:router_interface"}
    cloud.things.ports["theirs"] = {"id": "theirs", "network_id": "their-network", **owner}
    with pytest.raises(ProviderUnavailable) as caught:
        await world.provider.delete_all(world.cluster.uuid)
    name = cloud.stack("").name
    count = len(caught.value.log.splitlines())
    assert caught.value.message == (
        f"Stack {name} cannot be deleted: router: Conflict: Router still has ports. "
        f"{count} of its {count} resources were removed one by one."
    )
    assert f"Router router (id {router}): removed" in caught.value.log
    assert cloud.things.routers == {}
    await world.provider.delete_all(world.cluster.uuid)
    assert (cloud.stacks, await world.provider.list_resources(world.cluster.uuid)) == ({}, [])


async def test_a_stack_of_anothers_template_is_not_taken_apart(world: World) -> None:
    """What is in it may be no machine of the cluster's, or nothing that is deleted with it."""
    cloud = cloud_of(world)
    network, _ = await world.place()
    cloud.things.ports["p"] = {"id": "p", "network_id": network.id, "device_id": "s", "device_owner": "compute:az"}
    stack = cloud.stack("")
    stack.template["description"] = "changed"
    with pytest.raises(ProviderUnavailable) as caught:
        await world.provider.delete_all(world.cluster.uuid)
    assert caught.value.message.startswith(f"Stack {stack.name} cannot be deleted: subnet: Conflict: ")
    assert caught.value.message.endswith(". It was changed by somebody else, so nothing in it is removed one by one.")
    assert (caught.value.log, caught.value.after_s) == ("", 5.0)
    del cloud.things.ports["p"]
    await world.provider.delete_all(world.cluster.uuid)
    assert await world.provider.list_resources(world.cluster.uuid) == []


async def test_a_stack_with_nothing_that_can_be_removed_says_whose_move_it_is(world: World) -> None:
    cloud = cloud_of(world)
    network, _ = await world.place()
    cloud.things.ports["p"] = {"id": "p", "network_id": network.id, "device_id": "s", "device_owner": "compute:az"}
    cloud.answers = [(HEAT, "GET", "resources$", Answer(200, {"resources": []}))]
    with pytest.raises(ProviderUnavailable) as caught:
        await world.provider.delete_all(world.cluster.uuid)
    assert caught.value.message.endswith(". There is nothing in it that can be removed without Heat.")
    assert caught.value.hint.startswith("The log of Heat's engine says why")
    assert caught.value.after_s == 5.0


async def test_a_stack_that_heat_still_lists_as_it_was_is_not_taken_for_one_that_cannot_be_deleted(
    world: World,
) -> None:
    """Seen with Heat 19: CREATE_COMPLETE right after the request, DELETE_COMPLETE right before the end."""
    cloud = cloud_of(world)
    await world.place()
    row = cloud._row(next(iter(cloud.stacks.values())))
    late = [
        Answer(200, {"stacks": [{**row, "stack_status": status}]}) for status in ("CREATE_COMPLETE", "DELETE_COMPLETE")
    ]
    now = Answer(200, {"stacks": [row]})
    cloud.answers = [(HEAT, "GET", "stacks$", answer) for answer in (now, now, late[0], late[0], late[1], late[1])]
    await world.provider.delete_all(world.cluster.uuid)
    assert (cloud.stacks, cloud.calls["orchestration DELETE"]) == ({}, 1)


async def test_what_no_stack_knows_of_goes_by_its_tag(world: World) -> None:
    cloud = cloud_of(world)
    await make(world, 0)
    for stack in list(cloud.stacks.values()):  # abandoned: the stacks are gone, their resources are not
        del cloud.stacks[stack.project, stack.name]
    deleted = await world.provider.delete_all(world.cluster.uuid)
    assert sorted(one.kind for one in deleted) == ["network", "server"]
    assert (cloud.things.servers, cloud.things.networks) == ({}, {})


async def test_another_process_finds_the_clusters_project(world: World) -> None:
    await make(world, 0)
    other = another(world)
    [machine] = await other.list_machines(world.cluster.uuid)
    assert machine.name == world.spec(0).name
    assert " step key" in await other.console_log(world.cluster.uuid, machine.name)
    assert (await replace(world, provider=other).settled(machine.name, 5)).done
    await other.delete_all(world.cluster.uuid)
    assert await another(world).list_machines(world.cluster.uuid) == []


async def test_tags_of_another_tenant_lead_nobody_into_its_project(world: World) -> None:
    """A member of project-0 gives a stack and a server of its own the marks of a cluster of project-1."""
    cloud = cloud_of(world)
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    bait = replace(next(iter(cloud.stacks.values())), project="project-0", id="bait", made={})
    cloud.stacks["project-0", bait.name] = bait
    cloud.things.servers["bait"] = {**cloud.things.servers[made.id], "id": "bait", "project": "project-0"}
    for provider in (world.provider, another(world)):
        assert isinstance(provider, OpenStackProvider)
        assert [one.id for one in await provider.list_machines(world.cluster.uuid)] == [made.id]
        assert await provider.list_machines_of([world.cluster.uuid]) == {world.cluster.uuid: [made]}
    await another(world).delete_all(world.cluster.uuid)
    assert list(cloud.stacks.values()) == [bait]
    assert list(cloud.things.servers) == ["bait"]


async def test_a_project_that_is_closed_to_us_is_no_empty_one(world: World) -> None:
    cloud, uuid = cloud_of(world), world.cluster.uuid
    await make(world, 0)
    cloud.names = ("project-0",)
    for call in (another(world).list_resources(uuid), another(world).delete_all(uuid)):
        with pytest.raises(ProviderRefused, match="The project project-1 is gone from Keystone"):
            await call
    there = builders.cluster(project_id="project-0")
    provider = another(world, there)
    census = await provider.list_machines_of([uuid, there.uuid])
    assert census[there.uuid] == []
    assert isinstance(census[uuid], ProviderRefused)


async def test_what_is_left_of_a_cluster_that_is_not_kept_goes_from_every_project(world: World) -> None:
    await make(world, 0)
    uuid = world.cluster.uuid
    gone = OpenStackProvider(cloud_of(world), SETTINGS)
    assert await gone.list_machines(uuid) == []
    assert await gone.list_resources(uuid) != []
    assert await gone.delete_all(uuid) != []
    assert await gone.list_resources(uuid) == []


async def test_metadata_that_tenants_wrote_makes_no_machine(world: World) -> None:
    await make(world, 0)
    [server] = cloud_of(world).things.servers.values()
    for marks in ({}, {"jeroboam_cluster": world.cluster.uuid}, {**server["metadata"], "jeroboam_index": "x"}):
        server["metadata"] = marks
        assert await another(world).list_machines(world.cluster.uuid) == []


async def test_a_list_that_neutron_refuses_is_no_empty_one(world: World) -> None:
    await world.place()
    cloud_of(world).answers = [(NEUTRON, "GET", "networks$", Answer(400, {"NeutronError": {"message": "no such key"}}))]
    with pytest.raises(ProviderRefused, match="networks could not be listed: no such key"):
        await world.provider.list_resources(world.cluster.uuid)


async def test_the_labels_of_a_node_group_are_in_the_stack(world: World) -> None:
    network, endpoint = await world.place()
    spec = replace(world.spec(), labels={"boot_volume_size": "20", "availability_zone": "az1"})
    await world.provider.ensure_machine(spec, network, endpoint, WELL)
    server = cloud_of(world).stack(".0").template["resources"][spec.name]["properties"]
    assert server["availability_zone"] == "az1"
    assert server["block_device_mapping_v2"][0]["volume_size"] == 20
    assert "image" not in server


async def test_an_unknown_external_network_is_said_by_its_name(world: World) -> None:
    shape = world.cluster.shape
    cluster = builders.cluster(shape=type(shape)(coe="swarm", image_id="node", external_network_id="nowhere"))
    with pytest.raises(NotFound, match="Network nowhere could not be found"):
        await world.provider.ensure_network(cluster, NetworkSpec(endpoint_port=2376))


async def test_the_start_says_what_the_user_lacks(cloud: Cloud) -> None:
    cloud.names = ()
    with pytest.raises(HostUnsupported) as caught:
        await OpenStackProvider(cloud, SETTINGS).start()
    assert caught.value.message == "The user jeroboam has no role in any project."
    assert "openstack role add --user jeroboam --project PROJECT member" in caught.value.hint


async def test_nova_that_is_away_is_no_empty_list(world: World) -> None:
    await make(world, 0)
    cloud_of(world).answers = [(NOVA, "GET", "detail", Answer(503))]
    with pytest.raises(ProviderUnavailable, match="Servers could not be listed: status 503"):
        await another(world).list_machines(world.cluster.uuid)


@pytest.mark.parametrize(
    "reason",
    [
        "ServiceUnavailable: resources.x: Service Unavailable (HTTP 503)",
        "ConnectFailure: resources.x: Unable to establish connection to http://nova: Connection refused",
        "Create of x timed out",
    ],
)
async def test_a_failure_that_passes_is_no_refusal(world: World, reason: str) -> None:
    cloud = cloud_of(world)
    await make(world, 0)
    stack = cloud.stack(".0")
    name = world.spec(1).name
    cloud.things.no_host = {name}
    rows = [{"resource_name": name, "resource_status": "CREATE_FAILED", "resource_status_reason": reason}]
    nothing = Answer(200, {"resources": []})
    cloud.answers = [(HEAT, "GET", "resources$", answer) for answer in (nothing, Answer(200, {"resources": rows}))]
    error = (await make(world, 1))[1]
    assert isinstance(error, ProviderUnavailable)
    assert error.message == f"{name}: {reason}"
    assert stack.status == "UPDATE_FAILED"


@pytest.mark.parametrize("change", ["template", "tags"])
async def test_a_network_stack_that_is_not_as_we_made_it_is_not_believed(world: World, change: str) -> None:
    network, endpoint = await world.place()
    [stack] = cloud_of(world).stacks.values()
    if change == "template":
        stack.template = {**stack.template, "description": "mine now"}
    else:
        stack.tags = tuple(tag.replace(world.cluster.uuid, "of-another") for tag in stack.tags)
    with pytest.raises(ProviderRefused, match=f"Stack {stack.name} (was changed|does not carry the tag)"):
        await world.place()
    with pytest.raises(ProviderRefused, match=f"Stack {stack.name} (was changed|does not carry the tag)"):
        await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)
