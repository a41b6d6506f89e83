"""Projects that are closed to the service: who is told what."""

import pytest
from tests.unit.providers.openstack.cloud import Cloud
from tests.unit.providers.openstack.worlds import another, cloud_of, make

from jeroboam.domain.errors import ErrorClass, ProviderUnavailable
from jeroboam.providers.openstack.closed import why_closed
from jeroboam.providers.openstack.rest import Answer, ProjectClosed
from jeroboam.testing.provider_suite import World


@pytest.mark.parametrize(
    ("projects", "said", "next_move"),
    [
        ({"p": False}, "The project the p (p) is disabled in Keystone.", "`openstack project set --enable p`"),
        ({"other": True}, "The project p is gone from Keystone, or the user jeroboam has no role in it any more.",
         "`openstack role add --user jeroboam --project p member`"),
        ({"p": True}, "Keystone lets the user jeroboam not into the project the p (p), though it has a role there.",
         "`openstack domain set --enable DOMAIN`"),
    ],
)  # fmt: skip
async def test_what_closed_a_project_is_told(projects: dict[str, bool], said: str, next_move: str) -> None:
    cloud = Cloud()
    cloud.keystone.projects = projects
    error = await why_closed(cloud, "p", "jeroboam")
    assert isinstance(error, ProjectClosed)
    assert (error.message, error.error_class) == (said, ErrorClass.OPERATOR)
    assert next_move in error.hint
    assert ("cluster delete NAME --force" in error.hint) is (projects != {"p": True})


async def test_a_keystone_that_does_not_tell_is_what_is_told() -> None:
    cloud = Cloud()
    cloud.keystone.answer = lambda *asked: Answer(503)  # type: ignore[method-assign]
    assert isinstance(await why_closed(cloud, "p", "jeroboam"), ProviderUnavailable)


async def test_every_call_for_a_cluster_of_a_disabled_project_says_so(world: World) -> None:
    cloud = cloud_of(world)
    await make(world, 0)
    cloud.names, cloud.keystone.projects = (), {world.cluster.project_id: False}
    provider, uuid = another(world), world.cluster.uuid
    calls = (
        provider.list_machines(uuid),
        provider.delete_machine(uuid, world.spec(0).name),
        provider.delete_all(uuid),
        provider.list_resources(uuid),
        provider.preflight(world.cluster, [world.spec()]),
    )
    for call in calls:
        with pytest.raises(ProjectClosed, match="is disabled in Keystone"):
            await call
    census = (await provider.list_machines_of([uuid]))[uuid]
    assert isinstance(census, ProjectClosed)
    cloud.names = (world.cluster.project_id,)
    assert len(await provider.list_machines(uuid)) == 1, "as it was, when it is enabled again"
