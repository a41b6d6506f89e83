"""Credentials of clusters: what they may call, when they are used, and what happens where they are refused."""

from dataclasses import replace
from uuid import uuid4

import pytest
from tests.unit.providers.openstack.cloud import IMAGE, Cloud
from tests.unit.providers.openstack.worlds import KEY, SETTINGS, another, cloud_of, make

from jeroboam.contracts import CREDENTIAL, Network, NetworkSpec
from jeroboam.domain import Cluster, Secret
from jeroboam.domain.errors import HostUnsupported, ProviderRefused, ProviderUnavailable
from jeroboam.providers.openstack import OpenStackProvider
from jeroboam.providers.openstack.access_rules import access_rules
from jeroboam.providers.openstack.rest import GLANCE, HEAT, NEUTRON, NOVA, Answer, Credential, ProjectClosed
from jeroboam.providers.openstack.settings import CredentialKind
from jeroboam.testing.credential_suite import CredentialSuite, giving, names
from jeroboam.testing.provider_suite import BatchSuite, CensusSuite, ProviderSuite, World

OURS = replace(SETTINGS, cluster_credentials=CredentialKind.RULES)
FIRST = str(uuid4())


class Credentialed(OpenStackProvider):
    """As the service has it: a credential before the network."""

    async def ensure_network(self, cluster: Cluster, spec: NetworkSpec) -> Network:
        await self.ensure_credential(cluster, FIRST, renew=False)
        return await super().ensure_network(cluster, spec)


class _OnTheCloud:
    settle_s = 30.0

    @pytest.fixture
    def image_id(self) -> str:
        return str(IMAGE["name"])

    @pytest.fixture
    def flavor_id(self) -> str | None:
        return "m1.small"


class TestSuite(_OnTheCloud, CredentialSuite):
    @pytest.fixture
    async def provider(self) -> OpenStackProvider:
        return OpenStackProvider(Cloud(), OURS)


class TestAllOfAProviderIsWithinTheRules(_OnTheCloud, ProviderSuite, BatchSuite, CensusSuite):
    @pytest.fixture
    async def provider(self) -> OpenStackProvider:
        return Credentialed(Cloud(), OURS)


@pytest.fixture
def owned(world: World, cloud: Cloud) -> World:
    """A world whose cluster has its own credential."""
    provider = Credentialed(cloud, OURS)
    provider.use_key(KEY)
    return replace(world, provider=provider)


async def test_all_but_beginning_and_ending_a_stack_is_done_with_the_credential(owned: World) -> None:
    cloud = cloud_of(owned)
    await owned.place()
    cloud.logins.clear()
    await make(owned, 0)
    [credential] = cloud.keystone.credentials
    assert cloud.logins[credential] > 5
    assert cloud.logins[""] == 3, "the look-ups of image and flavor, and the new stack"
    cloud.logins.clear()
    await make(owned, 1)
    assert cloud.logins[""] == 2


def test_the_rules_leave_out_what_a_cluster_has_no_use_for() -> None:
    rules = {(rule["service"], rule["method"], rule["path"]) for rule in access_rules()}
    assert len(rules) == len(access_rules()) < 150
    assert {service for service, _, _ in rules} == {
        HEAT, NOVA, NEUTRON, GLANCE, "volumev3", "block-storage", "load-balancer",
    }  # fmt: skip
    assert {method for service, method, _ in rules if service == GLANCE} == {"GET"}
    assert {method for service, method, _ in rules if service == HEAT} == {"GET", "PATCH", "PUT"}
    assert all(len(path) <= 225 and path.startswith("/") for _, _, path in rules)


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        (GLANCE, "GET", "/images/i1/file"),  # nova-compute, to a host's cache; Cinder, for a volume
        (GLANCE, "GET", "/images/i1"),
        (NEUTRON, "POST", "/ports"),
        (NEUTRON, "PUT", "/ports/p1"),
        (NEUTRON, "GET", "/networks/n1"),
    ],
)
async def test_what_nova_asks_of_others_in_a_clusters_name_is_within_the_rules(
    owned: World, service: str, method: str, path: str
) -> None:
    keystone = cloud_of(owned).keystone
    await giving(owned.provider).ensure_credential(owned.cluster, FIRST, renew=False)
    [credential] = keystone.credentials
    assert keystone.allows(Credential(credential, Secret(b"")), service, method, path)


async def test_the_secret_is_nowhere_to_be_seen(owned: World) -> None:
    await owned.place()
    [kept] = cloud_of(owned).keystone.credentials.values()
    assert kept["secret"] not in repr(vars(owned.provider)["_credentials"]._known)
    assert kept["unrestricted"] is False
    assert kept["description"] == f"Jeroboam's, for the cluster suite ({owned.cluster.uuid})"


async def test_another_process_works_with_the_same_one(owned: World) -> None:
    cloud = cloud_of(owned)
    await make(owned, 0)
    other = another(owned, settings=OURS)
    cloud.logins.clear()
    assert len(await other.list_machines(owned.cluster.uuid)) == 1
    assert dict(cloud.logins) == {next(iter(cloud.keystone.credentials)): 1}


async def test_what_was_rotated_elsewhere_is_looked_up_again(owned: World) -> None:
    cloud = cloud_of(owned)
    await make(owned, 0)
    other = another(owned, settings=OURS)
    await other.ensure_credential(owned.cluster, str(uuid4()), renew=True)
    cloud.logins.clear()
    assert isinstance(owned.provider, OpenStackProvider)
    owned.provider._seen.clear()
    assert len(await owned.provider.list_machines(owned.cluster.uuid)) == 1
    assert dict(cloud.logins) == {next(iter(cloud.keystone.credentials)): 1}


async def test_one_that_was_revoked_by_hand_is_made_anew_by_the_next_operation(owned: World) -> None:
    cloud = cloud_of(owned)
    await make(owned, 0)
    former = cloud.keystone.credentials.popitem()[0]
    await make(owned, 1)  # of the same pass of the same operation: with the service's own login
    name = await giving(owned.provider).ensure_credential(owned.cluster, str(uuid4()), renew=False)
    assert await names(owned) == [name]
    assert former not in cloud.keystone.credentials


async def test_a_rotation_waits_for_heat_which_works_with_the_former(owned: World) -> None:
    cloud, again = cloud_of(owned), str(uuid4())
    await make(owned, 0)
    former = set(cloud.keystone.credentials)
    stack = next(iter(cloud.stacks.values()))
    settled, stack.status = stack.status, "UPDATE_IN_PROGRESS"
    with pytest.raises(ProviderUnavailable, match=f"still at work with the former credential: stack {stack.name}"):
        await giving(owned.provider).ensure_credential(owned.cluster, again, renew=True)
    assert set(cloud.keystone.credentials) == former
    stack.status = settled
    await giving(owned.provider).ensure_credential(owned.cluster, again, renew=True)
    assert not former & set(cloud.keystone.credentials)


async def test_a_rotation_that_died_half_way_is_finished(owned: World) -> None:
    cloud, again = cloud_of(owned), str(uuid4())
    await owned.place()
    assert isinstance(owned.provider, OpenStackProvider)
    old = dict(cloud.keystone.credentials)
    new = await owned.provider.ensure_credential(owned.cluster, again, renew=True)
    cloud.keystone.credentials |= old  # as if it had died before it revoked the former
    assert await another(owned, settings=OURS).ensure_credential(owned.cluster, again, renew=True) == new
    assert await names(owned) == [new]


async def test_a_service_that_does_not_know_its_own_type_is_named(owned: World) -> None:
    cloud_of(owned).keystone.blind = {NOVA}
    with pytest.raises(ProviderRefused) as caught:
        await make(owned, 0)
    assert caught.value.message.startswith("The service of type compute does not take the cluster's own credential")
    assert "`service_type = compute` in [keystone_authtoken]" in caught.value.hint
    assert (
        "cluster_credentials = plain, restart the service, then `jeroboam cluster rotate-credentials"
        in caught.value.hint
    )


async def test_a_rotation_changes_the_kind(owned: World) -> None:
    cloud = cloud_of(owned)
    await make(owned, 0)
    cloud.keystone.blind = {NOVA}
    plain = another(owned, settings=replace(SETTINGS, cluster_credentials=CredentialKind.PLAIN))
    with pytest.raises(ProviderRefused):
        await plain.list_machines(owned.cluster.uuid)
    await plain.ensure_credential(owned.cluster, str(uuid4()), renew=True)
    assert len(await plain.list_machines(owned.cluster.uuid)) == 1


async def test_plain_ones_have_no_rules(world: World, cloud: Cloud) -> None:
    provider = OpenStackProvider(cloud, replace(SETTINGS, cluster_credentials=CredentialKind.PLAIN))
    cloud.keystone.version = "v3.10"
    await provider.start()
    await provider.ensure_credential(world.cluster, FIRST, renew=False)
    [kept] = cloud.keystone.credentials.values()
    assert "access_rules" not in kept


@pytest.mark.parametrize(("kind", "version"), [("rules", "v3.12"), ("plain", "v3.9"), ("rules", "v2.0"), ("rules", "")])
async def test_a_keystone_that_is_too_old_is_told_at_the_start(cloud: Cloud, kind: str, version: str) -> None:
    cloud.keystone.version = version
    provider = OpenStackProvider(cloud, replace(SETTINGS, cluster_credentials=CredentialKind(kind)))
    with pytest.raises(HostUnsupported) as caught:
        await provider.start()
    assert caught.value.message.startswith(f"[openstack] cluster_credentials = {kind} needs Keystone's API v3.1")
    assert "cluster_credentials = none" in caught.value.hint


async def test_what_others_named_alike_is_not_ours(world: World, cloud: Cloud) -> None:
    cloud.keystone.credentials["ci"] = {"id": "ci", "name": "jeroboam-ci", "project_id": "project-1"}
    assert await world.provider.list_resources() == []
    await world.provider.delete_all(world.cluster.uuid)
    assert "ci" in cloud.keystone.credentials


async def test_one_goes_with_its_cluster_also_where_none_are_wished_any_more(owned: World) -> None:
    await owned.place()
    former = another(owned)
    assert not former.gives_credentials
    gone = await former.delete_all(owned.cluster.uuid)
    assert [one.kind for one in gone].count(CREDENTIAL) == 1
    assert cloud_of(owned).keystone.credentials == {}


async def test_a_credential_of_a_closed_project_is_not_blamed_itself(owned: World) -> None:
    cloud = cloud_of(owned)
    await make(owned, 0)
    cloud.keystone.closed = {owned.cluster.project_id}
    cloud.keystone.projects = {owned.cluster.project_id: False}
    cloud.names = ()
    with pytest.raises(ProjectClosed, match=r"The project the project-1 \(project-1\) is disabled in Keystone"):
        await another(owned, settings=OURS).list_machines(owned.cluster.uuid)


async def test_one_that_does_not_open_though_its_project_is_open_can_be_rotated(owned: World) -> None:
    await make(owned, 0)
    other = another(owned, settings=OURS)
    other.use_key(b"another key of 32 bytes in place")
    with pytest.raises(ProviderRefused) as caught:
        await other.list_machines(owned.cluster.uuid)
    assert "rotate-credentials NAME` makes another" in caught.value.hint
    await other.ensure_credential(owned.cluster, str(uuid4()), renew=True)
    assert len(await other.list_machines(owned.cluster.uuid)) == 1


async def test_a_cluster_whose_credential_opens_nothing_can_be_deleted(owned: World) -> None:
    cloud, uuid = cloud_of(owned), owned.cluster.uuid
    await make(owned, 0)
    other = another(owned, settings=OURS)
    other.use_key(b"another key of 32 bytes in place")
    shown = {one.kind for one in await other.list_resources(uuid)}
    assert {"stack", "server", CREDENTIAL} <= shown
    await other.delete_all(uuid)
    assert await other.list_resources(uuid) == []
    assert cloud.keystone.credentials == {}


async def test_an_orphan_with_a_credential_is_found_in_any_project_and_removed(owned: World) -> None:
    """A forced deletion has left all behind, and its cluster is forgotten."""
    cloud, uuid = cloud_of(owned), owned.cluster.uuid
    await make(owned, 0)
    cloud.names = ("project-0", owned.cluster.project_id, "project-2")
    stranger = OpenStackProvider(cloud, OURS)
    stranger.use_key(KEY)
    found = await stranger.list_resources(uuid)
    assert sorted(one.kind for one in found).count(CREDENTIAL) == 1
    assert len({(one.kind, one.id) for one in found}) == len(found)
    assert {one.id for one in found} == {one.id for one in await stranger.delete_all(uuid)}
    assert await stranger.list_resources() == []
    assert cloud.stacks == {}


async def test_after_a_deletion_a_process_remembers_no_credential(owned: World) -> None:
    await make(owned, 0)
    assert isinstance(owned.provider, OpenStackProvider)
    credentials = owned.provider._credentials
    await owned.provider.delete_all(owned.cluster.uuid)
    assert await owned.provider.list_resources(owned.cluster.uuid) == []
    assert (credentials._known, dict(credentials._hands)) == ({}, {})


async def test_a_deletion_in_a_closed_project_revokes_the_credential_at_least(owned: World) -> None:
    cloud = cloud_of(owned)
    await make(owned, 0)
    cloud.keystone.projects = {owned.cluster.project_id: False}
    cloud.names = ()
    with pytest.raises(ProjectClosed):
        await another(owned, settings=OURS).delete_all(owned.cluster.uuid)
    assert cloud.keystone.credentials == {}


async def test_a_keystone_that_shows_no_credentials_is_not_one_without_them(world: World, cloud: Cloud) -> None:
    refused = Answer(403, {"error": {"message": "You are not authorized"}})
    cloud.keystone.answer = lambda *asked: refused  # type: ignore[method-assign]
    await world.provider.delete_all(world.cluster.uuid)  # where none are wished
    with pytest.raises(ProviderRefused, match="Application credentials could not be listed: You are not authorized"):
        await another(world, settings=OURS).delete_all(world.cluster.uuid)
