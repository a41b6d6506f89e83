"""The provider on a real Heat, Nova and Neutron whose servers boot nothing; the nodes' reports are made for them (nodes.py)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from jeroboam.contracts import Machine, MachineRequest, MachineState
from jeroboam.domain import Role, Secret
from jeroboam.domain.errors import JeroboamError, ProviderRefused, ProviderUnavailable
from jeroboam.providers.openstack import OpenStackProvider, OpenStackSettings
from jeroboam.providers.openstack.session import KeystoneRest
from jeroboam.testing.provider_suite import WELL, BatchSuite, CensusSuite, OneCluster, ProviderSuite, World

from .nodes import Nodes
from .testbed import Bed, suite_image

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]
WINDOWS_HOST = "windows-host"


@pytest.fixture
async def provider(openstack_bed: Bed) -> AsyncIterator[OpenStackProvider]:
    """In the name of demo, which is a member of its project and nothing else."""
    if openstack_bed.profile() != "heat-fake":
        pytest.skip("another profile of the bed is up, whose servers boot: `make openstack-bed-down` ends it")
    settings = OpenStackSettings(
        openstack_bed.auth_url, "demo", Secret(openstack_bed.password.encode()), region_name=openstack_bed.region
    )
    provider = OpenStackProvider(KeystoneRest(settings), settings)
    await provider.start()
    async with Nodes(openstack_bed):
        yield provider


class _OnTheBed:
    @pytest.fixture
    def project_id(self, openstack_bed: Bed) -> str:
        return str(openstack_bed.connect(openstack_bed.demo).current_project_id)

    @pytest.fixture
    def image_id(self, openstack_bed: Bed) -> str:
        return suite_image(openstack_bed.connect(openstack_bed.admin))

    @pytest.fixture
    def flavor_id(self) -> str | None:
        return "m1.tiny"


class TestSuite(_OnTheBed, ProviderSuite, BatchSuite, CensusSuite):
    settle_s = 120.0


class TestFaults(_OnTheBed, OneCluster):
    """What a cloud does to a cluster."""

    @pytest.fixture
    def demo(self, openstack_bed: Bed) -> Any:
        return openstack_bed.connect(openstack_bed.demo)

    async def test_a_server_that_was_deleted_by_hand_is_made_again(self, world: World, demo: Any) -> None:
        network, endpoint = await world.place()
        made = await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)
        demo.delete_server(made.id, wait=True)
        again = await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)
        assert again.id != made.id
        assert again.state is MachineState.RUNNING
        assert (await world.settled(again.name, 120)).done

    async def test_a_control_plane_in_error_lets_go_of_the_endpoints_port(
        self, world: World, openstack_bed: Bed
    ) -> None:
        network, endpoint = await world.place()
        head = world.spec(0, Role.CONTROL_PLANE)
        made = await world.provider.ensure_machine(head, network, endpoint, WELL)
        openstack_bed.connect(openstack_bed.admin).compute.reset_server_state(made.id, "error")
        again = await world.provider.ensure_machine(head, network, endpoint, WELL)
        assert (again.id != made.id, again.address) == (True, made.address)
        assert (await world.settled(again.name, 120)).done

    async def test_a_machine_that_no_host_takes_keeps_the_other_from_nothing(
        self, world: World, openstack_bed: Bed
    ) -> None:
        admin = openstack_bed.connect(openstack_bed.admin)
        huge = admin.create_flavor("jeroboam-huge", ram=1024, vcpus=4096, disk=1)
        try:
            network, endpoint = await world.place()
            good, bad = world.spec(0), replace(world.spec(1), flavor_id=huge.id)
            made = await _batch(world, [MachineRequest(spec, WELL) for spec in (good, bad)])
            error = made[bad.name]
            assert isinstance(made[good.name], Machine)
            assert isinstance(error, ProviderRefused), error
            assert error.message.startswith(f"{bad.name}: ")
            assert "No valid host was found" in error.message
            again = await world.provider.ensure_machine(world.spec(1), network, endpoint, WELL)
            assert (await world.settled(again.name, 120)).done
        finally:
            admin.delete_flavor(huge.id)

    async def test_a_stack_that_somebody_changed_is_left_alone(self, world: World, demo: Any) -> None:
        network, endpoint = await world.place()
        await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)
        [stack] = [one for one in demo.list_stacks() if one.name.endswith("-workers.0") and _is_of(one, world)]
        other = {"heat_template_version": "2018-08-31", "resources": {"mine": {"type": "OS::Heat::RandomString"}}}
        path = f"/stacks/{stack.name}/{stack.id}"
        demo.orchestration.put(path, json={"template": other, "tags": ",".join(stack.tags)}).raise_for_status()
        with pytest.raises(ProviderRefused, match="was changed by somebody else"):
            await world.provider.ensure_machine(world.spec(1), network, endpoint, WELL)

    async def test_a_foreign_port_stops_the_deletion_until_it_is_gone(self, world: World, demo: Any) -> None:
        network, _ = await world.place()
        port = demo.create_port(network.id, name="foreign")
        try:
            with pytest.raises(ProviderUnavailable) as caught:
                await world.provider.delete_all(world.cluster.uuid)
        finally:
            demo.delete_port(port.id)
        assert port.id in caught.value.hint
        await world.provider.delete_all(world.cluster.uuid)
        assert await world.provider.list_resources(world.cluster.uuid) == []


def _is_of(stack: Any, world: World) -> bool:
    return f"jeroboam.cluster.{world.cluster.uuid}" in (stack.tags or ())


async def _batch(world: World, requests: list[MachineRequest]) -> dict[str, Machine | JeroboamError]:
    network, endpoint = await world.place()
    assert isinstance(world.provider, OpenStackProvider)
    return dict(await world.provider.ensure_machines(requests, network, endpoint))


class TestLanding(_OnTheBed, OneCluster):
    """Servers of two systems on hosts of two aggregates, by the extra specs of their flavors."""

    @pytest.fixture
    def kinds(self, openstack_bed: Bed) -> Iterator[Mapping[str, Any]]:
        """An aggregate of one host for each system, and a flavor of the same name that asks for it."""
        admin = openstack_bed.connect(openstack_bed.admin)
        there = {one.host for one in admin.compute.services(binary="nova-compute")}
        if WINDOWS_HOST not in there:
            openstack_bed.add_host(WINDOWS_HOST)
        _until(lambda: _is_up(admin, WINDOWS_HOST), 300)
        made: dict[str, Any] = {}
        try:
            for system, host in (("linux", "testbed"), ("windows", WINDOWS_HOST)):
                aggregate = made[system] = admin.create_aggregate(f"jeroboam-{system}")
                admin.set_aggregate_metadata(aggregate.id, {"os": system})
                admin.add_host_to_aggregate(aggregate.id, host)
                flavor = made[f"{system} flavor"] = admin.create_flavor(f"jeroboam-{system}", ram=256, vcpus=1, disk=1)
                admin.set_flavor_specs(flavor.id, {"aggregate_instance_extra_specs:os": system})
            yield made
        finally:
            for name, one in made.items():
                if "flavor" in name:
                    admin.delete_flavor(one.id)
                    continue
                for host in admin.get_aggregate(one.id).hosts:
                    admin.remove_host_from_aggregate(one.id, host)
                admin.delete_aggregate(one.id)

    async def test_each_system_lands_on_the_hosts_of_its_aggregate(
        self, world: World, kinds: Mapping[str, Any], openstack_bed: Bed
    ) -> None:
        admin = openstack_bed.connect(openstack_bed.admin)
        linux = [replace(world.spec(index), flavor_id="jeroboam-linux") for index in range(2)]
        windows = [replace(world.spec(index, group="windows"), flavor_id="jeroboam-windows") for index in range(2)]
        requests = [MachineRequest(spec, WELL) for spec in linux]
        requests += [MachineRequest(spec, replace(WELL, os="windows")) for spec in windows]
        made = await _batch(world, requests)
        assert all(isinstance(one, Machine) for one in made.values()), made
        hosts = {name: _host_of(admin, one) for name, one in made.items()}
        assert {hosts[spec.name] for spec in linux} == {"testbed"}
        assert {hosts[spec.name] for spec in windows} == {WINDOWS_HOST}
        for spec in (*linux, *windows):  # also those of Windows got the keys of their boots
            assert (await world.settled(spec.name, 180)).done

    async def test_who_may_see_aggregates_says_before_what_nova_says_after(
        self, world: World, kinds: Mapping[str, Any], openstack_bed: Bed
    ) -> None:
        admin = openstack_bed.connect(openstack_bed.admin)
        settings = OpenStackSettings(
            openstack_bed.auth_url, "admin", Secret(openstack_bed.password.encode()), region_name=openstack_bed.region
        )
        seeing = OpenStackProvider(KeystoneRest(settings), settings)
        theirs = replace(world.cluster, project_id=str(admin.current_project_id))
        windows = replace(world.spec(0, group="windows"), flavor_id="jeroboam-windows")
        try:
            assert await seeing.preflight(theirs, [windows]) == []
            admin.remove_host_from_aggregate(kinds["windows"].id, WINDOWS_HOST)
            [problem] = await seeing.preflight(theirs, [windows])
        finally:
            await seeing.stop()
        assert problem.message.startswith("No host fits flavor jeroboam-windows: ")
        assert await world.provider.preflight(world.cluster, [windows]) == []  # demo sees no aggregates
        network, endpoint = await world.place()
        with pytest.raises(ProviderRefused, match="No valid host was found"):
            await world.provider.ensure_machine(windows, network, endpoint, replace(WELL, os="windows"))


def _host_of(admin: Any, machine: Machine | JeroboamError) -> str:
    assert isinstance(machine, Machine)
    return str(admin.compute.get_server(machine.id).compute_host)


def _is_up(admin: Any, host: str) -> bool:
    """Nova's scheduler knows it: it is up, and its cell is found, by a look every 30 s."""
    up = [one for one in admin.compute.services(binary="nova-compute", host=host) if one.state == "up"]
    return bool(up) and any(one.name == host for one in admin.compute.hypervisors())


def _until(done: Callable[[], bool], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < end, f"not within {within_s:g} s"
        time.sleep(1)
