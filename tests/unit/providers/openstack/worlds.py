"""A cluster at a provider on a small cloud."""

from collections.abc import Collection, Mapping

from tests.unit.providers.openstack.cloud import Cloud

from jeroboam.contracts import Machine, MachineRequest
from jeroboam.domain import Cluster, Role, Secret
from jeroboam.domain.errors import (
    JeroboamError,
)
from jeroboam.providers.openstack import OpenStackProvider, OpenStackSettings
from jeroboam.testing.provider_suite import WELL, World

KEY = b"k" * 32
SETTINGS = OpenStackSettings("http://keystone/v3", "jeroboam", Secret(b"s3cret"))


async def make(world: World, *indexes: int, role: Role = Role.WORKER) -> dict[int, Machine | JeroboamError]:
    network, endpoint = await world.place()
    assert isinstance(world.provider, OpenStackProvider)
    specs = {index: world.spec(index, role) for index in indexes}
    requests = [MachineRequest(spec, WELL) for spec in specs.values()]
    made = await world.provider.ensure_machines(requests, network, endpoint)
    return {index: made[spec.name] for index, spec in specs.items()}


def another(world: World, *more: Cluster, settings: OpenStackSettings = SETTINGS) -> OpenStackProvider:
    """As another process has it, which knows of the cluster what is kept."""
    kept = {one.uuid: one.project_id for one in (world.cluster, *more)}

    async def projects_of(cluster_uuids: Collection[str]) -> Mapping[str, str]:
        return {uuid: kept[uuid] for uuid in cluster_uuids if uuid in kept}

    provider = OpenStackProvider(cloud_of(world), settings)
    provider.use_projects(projects_of)
    provider.use_key(KEY)
    return provider


def cloud_of(world: World) -> Cloud:
    assert isinstance(world.provider, OpenStackProvider)
    rest = world.provider.catalogue._rest
    assert isinstance(rest, Cloud)
    return rest
