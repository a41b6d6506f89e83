"""Credentials of clusters on a real Keystone, whose rules a real Heat, Nova, Neutron and Glance keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from jeroboam.contracts import CREDENTIAL, MachineRequest, NetworkSpec
from jeroboam.domain import Cluster, Operation, OperationKind, OperationState, Role, Secret
from jeroboam.providers.openstack import OpenStackProvider, OpenStackSettings
from jeroboam.providers.openstack.session import KeystoneRest
from jeroboam.providers.openstack.settings import CredentialKind
from jeroboam.reconcile.scope import Limits
from jeroboam.testing import builders
from jeroboam.testing.credential_suite import CredentialSuite, giving, names
from jeroboam.testing.provider_suite import WELL, OneCluster, World
from jeroboam.testing.stage import Stage

from .nodes import Nodes
from .test_provider import _OnTheBed
from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]
LIMITS = Limits(boot=timedelta(minutes=15), coe=timedelta(minutes=5))


def provider_of(bed: Bed, kind: CredentialKind = CredentialKind.RULES) -> OpenStackProvider:
    """In the name of demo, which is a member of its project and nothing else."""
    secret = Secret(bed.password.encode())
    settings = OpenStackSettings(
        bed.auth_url, "demo", secret, region_name=bed.region, cluster_credentials=kind, timeout_s=60.0
    )
    provider = OpenStackProvider(KeystoneRest(settings), settings)
    provider.use_key(b"k" * 32)
    return provider


@pytest.fixture
async def provider(openstack_bed: Bed) -> AsyncIterator[OpenStackProvider]:
    if openstack_bed.profile() != "heat-fake":
        pytest.skip("another profile of the bed is up, whose servers boot: `make openstack-bed-down` ends it")
    provider = provider_of(openstack_bed)
    await provider.start()
    async with Nodes(openstack_bed):
        yield provider


class TestSuite(_OnTheBed, CredentialSuite):
    settle_s = 120.0


class TestOnTheCloud(_OnTheBed, OneCluster):
    """What only a real Keystone can show."""

    @pytest.fixture
    def demo(self, openstack_bed: Bed) -> Any:
        return openstack_bed.connect(openstack_bed.demo)

    async def test_a_control_plane_takes_and_frees_the_endpoints_port(self, world: World) -> None:
        await giving(world.provider).ensure_credential(world.cluster, str(uuid4()), renew=False)
        network, endpoint = await world.place(NetworkSpec(endpoint_port=6443, inner_ports=(2377,)))
        assert isinstance(world.provider, OpenStackProvider)
        requests = [MachineRequest(world.spec(0, Role.CONTROL_PLANE, "heads"), WELL)]
        [made] = (await world.provider.ensure_machines(requests, network, endpoint)).values()
        assert not isinstance(made, Exception), made
        await world.provider.delete_machine(world.cluster.uuid, made.name)

    async def test_no_trust_is_left_behind(self, world: World, demo: Any) -> None:
        await giving(world.provider).ensure_credential(world.cluster, str(uuid4()), renew=False)
        before = _trusts(demo)
        network, endpoint = await world.place()
        await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)
        assert len(_trusts(demo)) == len(before) + 2, "Heat makes one for each stack"
        await world.provider.delete_all(world.cluster.uuid)
        assert _trusts(demo) == before

    async def test_it_opens_nothing_but_what_its_cluster_needs(self, world: World, openstack_bed: Bed) -> None:
        provider = world.provider
        await giving(provider).ensure_credential(world.cluster, str(uuid4()), renew=False)
        assert isinstance(provider, OpenStackProvider)
        credential = await provider._credentials.of(world.cluster.uuid)
        assert credential is not None
        rest = provider.catalogue._rest
        project = world.cluster.project_id
        asked = {
            "images are read": await rest.call(project, "image", "GET", "/images", credential=credential),
            "images are not made": await rest.call(project, "image", "POST", "/images", body={}, credential=credential),
            "key pairs": await rest.call(project, "compute", "GET", "/os-keypairs", credential=credential),
            "secrets": await rest.call(project, "key-manager", "GET", "/v1/secrets", credential=credential),
            "new stacks": await rest.call(project, "orchestration", "POST", "/stacks", body={}, credential=credential),
        }
        assert {what: answer.status for what, answer in asked.items()} == {
            "images are read": 200,
            "images are not made": 401,
            "key pairs": 401,
            "secrets": 401,
            "new stacks": 401,
        }

    async def test_after_its_end_another_process_looks_for_the_next(self, world: World, openstack_bed: Bed) -> None:
        await giving(world.provider).ensure_credential(world.cluster, str(uuid4()), renew=False)
        await world.place()
        other = provider_of(openstack_bed)
        try:
            new = await other.ensure_credential(world.cluster, str(uuid4()), renew=True)
            assert await names(world) == [new]
            assert [one.kind for one in await world.provider.list_resources(world.cluster.uuid)].count("stack") == 1
        finally:
            await other.stop()


def _trusts(demo: Any) -> list[str]:
    user = demo.current_user_id
    answer = demo.identity.get(f"/OS-TRUST/trusts?trustor_user_id={user}")
    return sorted(one["id"] for one in answer.json()["trusts"])


class TestLife(_OnTheBed):
    async def test_of_a_cluster_with_a_router_and_a_floating_address(
        self, openstack_bed: Bed, provider: OpenStackProvider, stage: Stage, project_id: str, image_id: str
    ) -> None:
        """Made, resized, given another credential, deleted: as the service does it, with the steps of its timeline."""
        demo = openstack_bed.connect(openstack_bed.demo)
        trusts = _trusts(demo)
        world = replace(stage, provider=provider, limits=LIMITS)
        shape = replace(builders.template().shape, image_id=image_id, external_network_id="public")
        cluster = builders.cluster(name="owned", project_id=project_id, shape=shape)
        create = builders.operation(cluster)
        groups = [replace(one, flavor_id="m1.tiny") for one in builders.groups(cluster, workers=1)]
        await builders.keep(world.store, cluster, create, groups_of=groups)
        try:
            await _run(world, create)
            steps = [step.name for step in await world.store.list_steps(create.uuid)]
            assert steps.index("credential") < steps.index("network")
            first = await _credentials(provider, cluster)
            assert first == [provider.credential_name(cluster.uuid, create.uuid)]
            rotation = await world.ask(cluster, OperationKind.ROTATE_CREDENTIALS)
            await _run(world, rotation)
            assert await _credentials(provider, cluster) == [provider.credential_name(cluster.uuid, rotation.uuid)]
            assert len(await provider.list_machines(cluster.uuid)) == 2
            await _run(world, await world.ask_delete(cluster))
            assert await provider.list_resources(cluster.uuid) == []
        finally:
            await provider.delete_all(cluster.uuid)
        assert _trusts(demo) == trusts


async def _run(world: Stage, operation: Operation) -> None:
    done = await world.run(operation, within_s=600)
    assert done.state is OperationState.SUCCEEDED, done.error


async def _credentials(provider: OpenStackProvider, cluster: Cluster) -> list[str]:
    return [one.name for one in await provider.list_resources(cluster.uuid) if one.kind == CREDENTIAL]
