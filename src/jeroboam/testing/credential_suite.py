"""What a provider that is a ClusterCredentials must do, with the fixtures of provider_suite."""

from __future__ import annotations

from uuid import uuid4

from ..contracts import CREDENTIAL, ClusterCredentials, Provider
from .provider_suite import WELL, OneCluster, World


class CredentialSuite(OneCluster):
    """The provider of the fixture is set to give credentials."""

    async def test_a_cluster_gets_one_and_keeps_it(self, world: World) -> None:
        provider, first = giving(world.provider), str(uuid4())
        name = await provider.ensure_credential(world.cluster, first, renew=False)
        assert name == provider.credential_name(world.cluster.uuid, first)
        assert await provider.ensure_credential(world.cluster, first, renew=False) == name
        assert await provider.ensure_credential(world.cluster, str(uuid4()), renew=False) == name
        assert await names(world) == [name]

    async def test_a_rotation_gives_another_once_and_ends_the_former(self, world: World) -> None:
        provider, again = giving(world.provider), str(uuid4())
        old = await provider.ensure_credential(world.cluster, str(uuid4()), renew=False)
        network, endpoint = await world.place()
        made = await world.provider.ensure_machine(world.spec(), network, endpoint, WELL)
        new = await provider.ensure_credential(world.cluster, again, renew=True)
        assert new != old
        assert await provider.ensure_credential(world.cluster, again, renew=True) == new
        assert await names(world) == [new]
        assert [one.id for one in await world.provider.list_machines(world.cluster.uuid)] == [made.id]

    async def test_a_cluster_is_made_and_changed_with_it(self, world: World) -> None:
        await giving(world.provider).ensure_credential(world.cluster, str(uuid4()), renew=False)
        network, endpoint = await world.place()
        for index in (0, 1):
            await world.provider.ensure_machine(world.spec(index), network, endpoint, WELL)
        assert (await world.settled(world.spec(1).name, self.settle_s)).done
        await world.provider.delete_machine(world.cluster.uuid, world.spec(0).name)
        left = [one.name for one in await world.provider.list_machines(world.cluster.uuid)]
        assert left == [world.spec(1).name]

    async def test_it_goes_with_the_cluster_and_no_other_does(self, world: World) -> None:
        other = world.beside()
        try:
            for one in (world, other):
                await giving(one.provider).ensure_credential(one.cluster, str(uuid4()), renew=False)
            await world.place()
            gone = await world.provider.delete_all(world.cluster.uuid)
            assert CREDENTIAL in [one.kind for one in gone]
            assert await world.provider.list_resources(world.cluster.uuid) == []
            assert len(await names(other)) == 1
        finally:
            await other.provider.delete_all(other.cluster.uuid)


def giving(provider: Provider) -> ClusterCredentials:
    """The provider, as what it is here."""
    assert isinstance(provider, ClusterCredentials)
    assert provider.gives_credentials
    return provider


async def names(world: World) -> list[str]:
    """Of the credentials that the provider shows of this cluster."""
    return [one.name for one in await world.provider.list_resources(world.cluster.uuid) if one.kind == CREDENTIAL]
