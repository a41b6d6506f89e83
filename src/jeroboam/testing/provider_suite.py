"""What every provider must do, as tests. Subclass, give the two fixtures, and run it by pytest:

    class TestMyProvider(ProviderSuite):
        @pytest.fixture
        async def provider(self): ...      # started; the suite stops it
        @pytest.fixture
        def image_id(self): ...            # a node image that exists there

Where projects are real or machines need a flavor, the fixtures `project_id` and `flavor_id` name one that exists there, too.
`RebuilderSuite` is for providers that are a MachineRebuilder, `CensusSuite` for those that are a MachineCensus.
`settle_s` is how long a machine may take to tell on its console how its bootstrap ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import pytest

from .. import bootstrap
from ..contracts import (
    Command,
    Endpoint,
    Machine,
    MachineBatch,
    MachineCensus,
    MachineRebuilder,
    MachineRequest,
    MachineSpec,
    MachineState,
    Network,
    NetworkSpec,
    NodeConfig,
    NodeProgress,
    Provider,
)
from ..domain import Cluster, Role, cluster_slug, machine_name
from ..domain.errors import JeroboamError
from . import builders

WELL = NodeConfig("node", commands=(Command("try", ("true",)),))
BADLY = NodeConfig("node", commands=(Command("try", ("false",)),))
SPEC = NetworkSpec(endpoint_port=6443)


@dataclass
class World:
    """One cluster at one provider."""

    provider: Provider
    cluster: Cluster
    image_id: str
    flavor_id: str | None = None

    def beside(self) -> World:
        """Another cluster of the same project."""
        return replace(self, cluster=_cluster(self.image_id, self.cluster.project_id))

    def spec(self, index: int = 0, role: Role = Role.WORKER, group: str = "workers") -> MachineSpec:
        """A machine of this cluster."""
        return MachineSpec(
            cluster_uuid=self.cluster.uuid,
            name=machine_name(cluster_slug(self.cluster.name, self.cluster.uuid), group, index),
            group=group,
            role=role,
            index=index,
            image_id=self.image_id,
            flavor_id=self.flavor_id,
            project_id=self.cluster.project_id,
            first=role is Role.CONTROL_PLANE and index == 0,
        )

    async def place(self, spec: NetworkSpec = SPEC) -> tuple[Network, Endpoint]:
        """Network and endpoint."""
        network = await self.provider.ensure_network(self.cluster, spec)
        return network, await self.provider.ensure_endpoint(self.cluster, network, spec)

    async def settled(self, name: str, within_s: float) -> NodeProgress:
        """What the console says once the bootstrap ended."""
        progress = NodeProgress()
        async with asyncio.timeout(within_s):
            while not (progress.done or progress.failed):
                console = await self.provider.console_log(self.cluster.uuid, name)
                progress = bootstrap.parse_console(console)
                await asyncio.sleep(0.05)
        return progress


def _machines(answer: Sequence[Machine] | JeroboamError) -> Sequence[Machine]:
    if isinstance(answer, JeroboamError):
        raise answer
    return answer


def _cluster(image_id: str, project_id: str) -> Cluster:
    shape = replace(builders.template().shape, image_id=image_id)
    return builders.cluster(name="suite", project_id=project_id, shape=shape)


class OneCluster:
    """The fixtures of all suites."""

    settle_s = 60.0

    @pytest.fixture
    def project_id(self) -> str:
        """The project of the clusters."""
        return builders.PROJECT

    @pytest.fixture
    def flavor_id(self) -> str | None:
        """The size of all machines; None where the provider has one of its own."""
        return None

    @pytest.fixture
    async def world(
        self, provider: Provider, image_id: str, project_id: str, flavor_id: str | None
    ) -> AsyncIterator[World]:
        """A cluster whose traces are removed at the end."""
        world = World(provider, _cluster(image_id, project_id), image_id, flavor_id)
        yield world
        await provider.delete_all(world.cluster.uuid)
        await provider.stop()


class ProviderSuite(OneCluster):
    """The rules of contracts.compute."""

    async def test_network_and_endpoint_are_made_once_and_stay(self, world: World) -> None:
        first, again = await world.place(), await world.place()
        assert first == again
        assert first[1].inside.port == SPEC.endpoint_port
        kinds = [r.kind for r in await world.provider.list_resources(world.cluster.uuid)]
        assert kinds.count("network") == 1

    async def test_clusters_have_networks_and_endpoints_of_their_own(self, world: World) -> None:
        other = world.beside()
        mine, theirs = await world.place(), await other.place()
        try:
            assert mine[0].id != theirs[0].id
            assert mine[1].outside is None or mine[1].outside != theirs[1].outside
        finally:
            await world.provider.delete_all(other.cluster.uuid)

    async def test_several_control_planes_share_an_endpoint_that_is_none_of_them(self, world: World) -> None:
        several = replace(SPEC, control_planes=3, inner_ports=(7000,))
        (network, endpoint), again = await world.place(several), await world.place(several)
        assert again == (network, endpoint)
        assert endpoint.balanced
        specs = [world.spec(index, Role.CONTROL_PLANE, "masters") for index in range(3)]
        await asyncio.gather(*(world.provider.ensure_machine(s, network, endpoint, WELL) for s in specs))
        seen = await world.provider.list_machines(world.cluster.uuid)
        assert sorted(m.name for m in seen) == sorted(s.name for s in specs)
        assert len({m.address for m in seen} - {endpoint.inside.host}) == 3
        await world.provider.delete_all(world.cluster.uuid)
        assert await world.provider.list_resources(world.cluster.uuid) == []

    async def test_a_machine_asked_for_twice_is_one_and_tells_who_it_is(self, world: World) -> None:
        network, endpoint = await world.place()
        spec = world.spec(role=Role.CONTROL_PLANE, group="masters")
        made = await world.provider.ensure_machine(spec, network, endpoint, WELL)
        again = await world.provider.ensure_machine(spec, network, endpoint, WELL)
        assert made.id == again.id
        [seen] = await world.provider.list_machines(world.cluster.uuid)
        assert (seen.name, seen.group, seen.role, seen.index) == (spec.name, "masters", Role.CONTROL_PLANE, 0)
        assert seen.cluster_uuid == world.cluster.uuid
        assert seen.state is MachineState.RUNNING
        assert seen.address

    async def test_machines_made_side_by_side_have_addresses_of_their_own(self, world: World) -> None:
        network, endpoint = await world.place()
        specs = [world.spec(index) for index in range(3)]
        await asyncio.gather(*(world.provider.ensure_machine(s, network, endpoint, WELL) for s in specs))
        seen = await world.provider.list_machines(world.cluster.uuid)
        assert sorted(m.name for m in seen) == sorted(s.name for s in specs)
        assert len({m.address for m in seen} - {endpoint.inside.host}) == 3

    async def test_the_console_tells_that_the_bootstrap_is_done(self, world: World) -> None:
        network, endpoint = await world.place()
        spec = world.spec()
        await world.provider.ensure_machine(spec, network, endpoint, WELL)
        assert (await world.settled(spec.name, self.settle_s)).done

    async def test_the_console_tells_which_step_failed(self, world: World) -> None:
        network, endpoint = await world.place()
        spec = world.spec()
        await world.provider.ensure_machine(spec, network, endpoint, BADLY)
        progress = await world.settled(spec.name, self.settle_s)
        assert progress.failed
        assert "1" in progress.message

    async def test_a_machine_that_is_deleted_is_gone_and_deleting_it_again_succeeds(self, world: World) -> None:
        network, endpoint = await world.place()
        keep, go = world.spec(0), world.spec(1)
        for spec in (keep, go):
            await world.provider.ensure_machine(spec, network, endpoint, WELL)
        await world.provider.delete_machine(world.cluster.uuid, go.name)
        await world.provider.delete_machine(world.cluster.uuid, go.name)
        assert [m.name for m in await world.provider.list_machines(world.cluster.uuid)] == [keep.name]
        assert go.name not in {r.name for r in await world.provider.list_resources(world.cluster.uuid)}
        assert await world.provider.console_log(world.cluster.uuid, go.name) == ""

    async def test_delete_all_leaves_nothing_of_this_cluster_and_all_of_the_others(self, world: World) -> None:
        other = world.beside()
        try:
            for one in (world, other):
                network, endpoint = await one.place()
                await one.provider.ensure_machine(one.spec(), network, endpoint, WELL)
            before = await world.provider.list_resources(other.cluster.uuid)
            deleted = await world.provider.delete_all(world.cluster.uuid)
            assert {r.cluster_uuid for r in deleted} == {world.cluster.uuid}
            assert await world.provider.list_resources(world.cluster.uuid) == []
            assert list(await world.provider.delete_all(world.cluster.uuid)) == []
            assert {r.id for r in await world.provider.list_resources(other.cluster.uuid)} == {r.id for r in before}
            assert {r.cluster_uuid for r in await world.provider.list_resources()} >= {other.cluster.uuid}
        finally:
            await world.provider.delete_all(other.cluster.uuid)

    async def test_preflight_names_the_image_that_is_missing_and_changes_nothing(self, world: World) -> None:
        ghost = replace(world, image_id="no-such-image")
        problems = await world.provider.preflight(world.cluster, [ghost.spec(0), ghost.spec(1)])
        assert [("no-such-image" in p.message, p.field) for p in problems] == [(True, "image_id")]
        assert await world.provider.preflight(world.cluster, [world.spec()]) == []
        assert await world.provider.list_resources(world.cluster.uuid) == []

    async def test_the_catalogue_finds_by_name_and_by_id(self, world: World) -> None:
        catalogue, project = world.provider.catalogue, world.cluster.project_id
        [image] = await catalogue.find_images(project, world.image_id)
        assert image.properties["os_distro"]
        assert list(await catalogue.find_images(project, image.id)) == [image]
        assert list(await catalogue.find_images(project, "no-such-image")) == []
        assert image in await catalogue.images(project)
        assert image.properties.get("os_distro")

    async def test_the_catalogue_finds_flavors_by_name_and_by_id_once(self, world: World) -> None:
        catalogue, project = world.provider.catalogue, world.cluster.project_id
        for flavor in await catalogue.flavors(project):
            assert flavor in await catalogue.find_flavors(project, flavor.name)
            assert list(await catalogue.find_flavors(project, flavor.id)) == [flavor]

    async def test_the_catalogue_answers_nothing_for_what_is_not_there(self, world: World) -> None:
        catalogue, project = world.provider.catalogue, world.cluster.project_id
        finders = (
            catalogue.find_images,
            catalogue.find_flavors,
            catalogue.find_keypairs,
            catalogue.find_networks,
            catalogue.find_subnets,
        )
        for find in finders:
            for ident in ("no-such-thing", "", "*", "../x", "ä\U0001f9ea"):
                assert list(await find(project, ident)) == [], (find, ident)


class RebuilderSuite(OneCluster):
    """Of a provider that is a MachineRebuilder, the same fixtures."""

    async def test_a_machine_that_is_unmade_comes_back_at_its_address(self, world: World) -> None:
        provider = world.provider
        assert isinstance(provider, MachineRebuilder)
        network, endpoint = await world.place()
        other, spec, late = (world.spec(index) for index in range(3))
        for one in (other, spec):
            await provider.ensure_machine(one, network, endpoint, WELL)
        [before] = [m for m in await provider.list_machines(world.cluster.uuid) if m.name == spec.name]
        await provider.unmake_machine(world.cluster.uuid, spec.name)
        await provider.unmake_machine(world.cluster.uuid, spec.name)
        assert [m.name for m in await provider.list_machines(world.cluster.uuid)] == [other.name]
        assert await provider.console_log(world.cluster.uuid, spec.name) == ""
        between = await provider.ensure_machine(late, network, endpoint, WELL)
        again = await provider.ensure_machine(replace(spec, keys="new"), network, endpoint, WELL)
        assert between.address != before.address
        assert (again.address, again.keys) == (before.address, "new")
        assert again.id != before.id
        assert (await world.settled(spec.name, self.settle_s)).done

    async def test_what_is_kept_of_an_unmade_machine_goes_with_its_deletion(self, world: World) -> None:
        provider = world.provider
        assert isinstance(provider, MachineRebuilder)
        network, endpoint = await world.place()
        for index in range(2):
            await provider.ensure_machine(world.spec(index), network, endpoint, WELL)
            await provider.unmake_machine(world.cluster.uuid, world.spec(index).name)
        await provider.delete_machine(world.cluster.uuid, world.spec(0).name)
        assert world.spec(0).name not in {r.name for r in await provider.list_resources(world.cluster.uuid)}
        await provider.delete_all(world.cluster.uuid)
        assert await provider.list_resources(world.cluster.uuid) == []


class CensusSuite(OneCluster):
    """Of a provider that is a MachineCensus, the same fixtures."""

    async def test_the_machines_of_several_clusters_are_what_each_has_by_itself(self, world: World) -> None:
        provider = world.provider
        assert isinstance(provider, MachineCensus)
        other, empty = (world.beside() for _ in range(2))
        try:
            for one in (world, other):
                network, endpoint = await one.place()
                await provider.ensure_machine(one.spec(), network, endpoint, WELL)
            asked = [one.cluster.uuid for one in (world, other, empty)]
            found = {uuid: _machines(some) for uuid, some in (await provider.list_machines_of(asked)).items()}
            assert {uuid: [m.name for m in found[uuid]] for uuid in asked} == {
                world.cluster.uuid: [world.spec().name],
                other.cluster.uuid: [other.spec().name],
                empty.cluster.uuid: [],
            }
            alone = {m.name: (m.id, m.role, m.address) for m in await provider.list_machines(world.cluster.uuid)}
            assert {m.name: (m.id, m.role, m.address) for m in found[world.cluster.uuid]} == alone
            assert list(await provider.list_machines_of([other.cluster.uuid])) == [other.cluster.uuid]
            await provider.delete_machine(world.cluster.uuid, world.spec().name)
            left = await provider.list_machines_of([world.cluster.uuid, other.cluster.uuid])
            assert {uuid: len(_machines(some)) for uuid, some in left.items()} == {
                world.cluster.uuid: 0,
                other.cluster.uuid: 1,
            }
        finally:
            await provider.delete_all(other.cluster.uuid)


class BatchSuite(OneCluster):
    """Of a provider that is a MachineBatch, the same fixtures."""

    async def test_a_batch_is_made_at_once_and_found_when_asked_for_again(self, world: World) -> None:
        provider = world.provider
        assert isinstance(provider, MachineBatch)
        network, endpoint = await world.place()
        requests = [MachineRequest(world.spec(index), WELL) for index in range(3)]
        made = await provider.ensure_machines(requests, network, endpoint)
        assert sorted(made) == sorted(request.spec.name for request in requests)
        more = [*requests, MachineRequest(world.spec(3), WELL)]
        again = await provider.ensure_machines(more, network, endpoint)
        assert {name: _id(machine) for name, machine in again.items() if name in made} == {
            name: _id(machine) for name, machine in made.items()
        }
        assert len({_id(machine) for machine in again.values()}) == 4
        assert await provider.ensure_machines([], network, endpoint) == {}

    async def test_what_is_wrong_with_one_of_a_batch_is_said_of_that_one(self, world: World) -> None:
        provider = world.provider
        assert isinstance(provider, MachineBatch)
        network, endpoint = await world.place()
        good, bad = world.spec(0), replace(world.spec(1), image_id="no-such-image")
        made = await provider.ensure_machines([MachineRequest(s, WELL) for s in (good, bad)], network, endpoint)
        assert isinstance(made[good.name], Machine)
        error = made[bad.name]
        assert isinstance(error, JeroboamError)
        assert "no-such-image" in error.message
        assert [m.name for m in await provider.list_machines(world.cluster.uuid)] == [good.name]


def _id(made: Machine | JeroboamError) -> str:
    assert isinstance(made, Machine), made
    return made.id
