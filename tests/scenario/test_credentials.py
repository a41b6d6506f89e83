"""A cluster's own login at its provider: made first, in the ledger before, renewed by a rotation, gone with the cluster."""

from collections.abc import Sequence
from dataclasses import replace

from jeroboam.contracts import CREDENTIAL, FoundResource
from jeroboam.domain import Cluster, OperationKind, OperationState, Resource
from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.testing.stage import Stage


class Owning(FakeProvider):
    """Gives each cluster a login. `ledger` is what was open there when one was made."""

    gives_credentials = True

    def __init__(self, stage: Stage) -> None:
        super().__init__(Cloud(), boot_s=0)
        self.stage = stage
        self.logins: dict[str, list[str]] = {}
        self.ledger: list[str] = []
        self.dies = False

    def credential_name(self, cluster_uuid: str, operation_uuid: str) -> str:
        return f"login-{operation_uuid}"

    async def ensure_credential(self, cluster: Cluster, operation_uuid: str, *, renew: bool) -> str:
        mine = self.logins.setdefault(cluster.uuid, [])
        name = self.credential_name(cluster.uuid, operation_uuid)
        if name not in mine and (renew or not mine):
            self.ledger += [one.name for one in await self.stage.store.open_resources(cluster.uuid) if _is_login(one)]
            mine.append(name)
        if self.dies:
            self.dies = False
            raise ProviderUnavailable("Keystone is away.", after_s=0.0)
        self.logins[cluster.uuid] = [name] if renew else mine
        return self.logins[cluster.uuid][0]

    async def list_resources(self, cluster_uuid: str | None = None) -> Sequence[FoundResource]:
        mine = [FoundResource(CREDENTIAL, one, one, uuid) for uuid, some in self.logins.items() for one in some]
        kept = [one for one in mine if cluster_uuid in (None, one.cluster_uuid)]
        return [*await super().list_resources(cluster_uuid), *kept]

    async def delete_all(self, cluster_uuid: str) -> Sequence[FoundResource]:
        gone = await super().delete_all(cluster_uuid)
        return [
            *gone,
            *(FoundResource(CREDENTIAL, one, one, cluster_uuid) for one in self.logins.pop(cluster_uuid, [])),
        ]


def _is_login(one: object) -> bool:
    return getattr(one, "kind", "") == CREDENTIAL


async def test_it_is_made_before_anything_else_and_goes_last(stage: Stage) -> None:
    provider = Owning(stage)
    world = replace(stage, provider=provider)
    cluster, create = await world.add()
    provider.dies = True
    assert (await world.run(create)).state is OperationState.SUCCEEDED
    steps = [step.name for step in await world.store.list_steps(create.uuid)]
    assert steps.index("credential") < steps.index("network")
    name = f"login-{create.uuid}"
    assert (provider.ledger, provider.logins) == ([name], {cluster.uuid: [name]})
    await world.run(await world.ask(cluster, OperationKind.RESIZE))
    assert [one.name for one in await world.store.open_resources(cluster.uuid) if _is_login(one)] == [name]
    assert (await world.run(await world.ask(cluster, OperationKind.DELETE))).state is OperationState.SUCCEEDED
    assert provider.logins == {}


async def test_one_that_a_dead_rotation_has_left_stays_in_the_ledger_until_it_is_revoked(stage: Stage) -> None:
    provider = Owning(stage)
    world = replace(stage, provider=provider)
    cluster, create = await world.add()
    await world.run(create)
    died = await world.ask(cluster, OperationKind.ROTATE_CREDENTIALS)
    provider.logins[cluster.uuid].append(f"login-{died.uuid}")  # made, and the former not yet revoked
    begun = await world.store.begin_operation(died.uuid)
    assert begun is not None
    await world.store.open_resource(Resource(cluster.uuid, CREDENTIAL, f"login-{died.uuid}"), begun[1])
    await world.run(await world.ask(cluster, OperationKind.RESIZE))
    ledger = {one.name for one in await world.store.open_resources(cluster.uuid) if _is_login(one)}
    assert ledger == {f"login-{create.uuid}", f"login-{died.uuid}"}


async def test_a_rotation_renews_it_and_leaves_nodes_alone_whose_driver_rotates_nothing(stage: Stage) -> None:
    provider = Owning(stage)
    driver = FakeDriver()
    driver.capabilities = replace(driver.capabilities, rotate_credentials=False)
    world = replace(stage, provider=provider, driver=driver)
    cluster, create = await world.add()
    await world.run(create)
    before = [(m.id, m.keys) for m in await provider.list_machines(cluster.uuid)]
    secrets = await world.store.get_secrets(cluster.uuid)
    rotation = await world.ask(cluster, OperationKind.ROTATE_CREDENTIALS)
    assert (await world.run(rotation)).state is OperationState.SUCCEEDED
    assert provider.logins == {cluster.uuid: [f"login-{rotation.uuid}"]}
    assert [(m.id, m.keys) for m in await provider.list_machines(cluster.uuid)] == before
    assert await world.store.get_secrets(cluster.uuid) == secrets
    ledger = [one.name for one in await world.store.open_resources(cluster.uuid) if _is_login(one)]
    assert ledger == [f"login-{rotation.uuid}"]
    [told] = [one.message for one in await world.store.list_steps(rotation.uuid) if one.name == "credential"]
    stays = f"the nodes' own secrets stay: the driver {driver.name} rotates none"
    assert told == f"login-{rotation.uuid} is in use, the former is ended; {stays}"


async def test_a_driver_that_rotates_gives_its_nodes_new_keys_as_well(stage: Stage) -> None:
    provider = Owning(stage)
    world = replace(stage, provider=provider)
    cluster, create = await world.add()
    await world.run(create)
    before = {m.keys for m in await provider.list_machines(cluster.uuid)}
    rotation = await world.ask(cluster, OperationKind.ROTATE_CREDENTIALS)
    assert (await world.run(rotation)).state is OperationState.SUCCEEDED
    assert provider.logins == {cluster.uuid: [f"login-{rotation.uuid}"]}
    [told] = [one.message for one in await world.store.list_steps(rotation.uuid) if one.name == "credential"]
    assert told == f"login-{rotation.uuid} is in use, the former is ended"
    assert not before & {m.keys for m in await provider.list_machines(cluster.uuid)}
