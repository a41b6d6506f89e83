"""Clusters whose project a real Keystone has disabled, or has no more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pytest

from jeroboam.domain import Secret
from jeroboam.domain.errors import ErrorClass
from jeroboam.providers.openstack import OpenStackProvider, OpenStackSettings
from jeroboam.providers.openstack.rest import ProjectClosed
from jeroboam.providers.openstack.session import KeystoneRest
from jeroboam.providers.openstack.settings import CredentialKind
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import SPEC

from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]
NAME = "jeroboam-closing"


@pytest.fixture
def keystone(openstack_bed: Bed) -> Any:
    return openstack_bed.connect(openstack_bed.admin).identity


@pytest.fixture
def project(keystone: Any, openstack_bed: Bed) -> Iterator[Any]:
    """One of its own, with a member of its own."""
    user = keystone.find_user(NAME) or keystone.create_user(name=NAME, password=openstack_bed.password)
    project = keystone.create_project(name=NAME)
    keystone.assign_project_role_to_user(project, user, keystone.find_role("member"))
    yield project
    keystone.delete_project(project)
    keystone.delete_user(user)


@pytest.mark.parametrize("kind", [CredentialKind.NONE, CredentialKind.RULES])
async def test_a_disabled_project_is_told_and_goes_on_when_it_is_enabled(
    keystone: Any, project: Any, openstack_bed: Bed, kind: CredentialKind
) -> None:
    cluster = builders.cluster(name="closing", project_id=project.id)

    async def fresh() -> OpenStackProvider:
        """As a process has it that was just started: services believe a token for minutes that they have seen."""
        password = Secret(openstack_bed.password.encode())
        settings = OpenStackSettings(
            openstack_bed.auth_url, NAME, password, region_name="RegionOne", cluster_credentials=kind
        )
        provider = OpenStackProvider(KeystoneRest(settings), settings)
        provider.use_key(b"k" * 32)
        provider.use_projects(_kept)
        return provider

    async def _kept(uuids: Collection[str]) -> Mapping[str, str]:
        return dict.fromkeys(uuids, project.id)

    first = await fresh()
    if first.gives_credentials:
        await first.ensure_credential(cluster, cluster.uuid, renew=False)
    await first.ensure_network(cluster, SPEC)
    keystone.update_project(project, is_enabled=False)
    closed = await fresh()
    for call in (closed.list_machines(cluster.uuid), closed.delete_all(cluster.uuid)):
        with pytest.raises(ProjectClosed) as caught:
            await call
        assert caught.value.message == f"The project {NAME} ({project.id}) is disabled in Keystone."
        assert f"`openstack project set --enable {project.id}`" in caught.value.hint
        assert caught.value.error_class is ErrorClass.OPERATOR
    keystone.update_project(project, is_enabled=True)
    again = await fresh()
    assert await again.delete_all(cluster.uuid) != []
    assert await again.list_resources(cluster.uuid) == []
    keystone.delete_project(project)
    with pytest.raises(ProjectClosed, match=f"The project {project.id} is gone from Keystone"):
        await (await fresh()).list_machines(cluster.uuid)
