"""Clusters whose project a real Keystone has disabled, or has no more."""

from __future__ import annotations

import pytest

from jeroboam.domain.errors import ErrorClass
from jeroboam.providers.openstack.rest import ProjectClosed
from jeroboam.providers.openstack.settings import CredentialKind
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import SPEC

from .projects import project_of_its_own, provider_in
from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]
NAME = "jeroboam-closing"


@pytest.mark.parametrize("kind", [CredentialKind.NONE, CredentialKind.RULES])
async def test_a_disabled_project_is_told_and_goes_on_when_it_is_enabled(
    openstack_bed: Bed, kind: CredentialKind
) -> None:
    """Each look is a new process's: services believe a token for minutes that they have seen."""
    keystone = openstack_bed.connect(openstack_bed.admin).identity
    with project_of_its_own(openstack_bed, NAME) as project:
        cluster = builders.cluster(name="closing", project_id=project.id)
        first = provider_in(openstack_bed, project, kind)
        if first.gives_credentials:
            await first.ensure_credential(cluster, cluster.uuid, renew=False)
        await first.ensure_network(cluster, SPEC)
        keystone.update_project(project, is_enabled=False)
        closed = provider_in(openstack_bed, project, kind)
        for call in (closed.list_machines(cluster.uuid), closed.delete_all(cluster.uuid)):
            with pytest.raises(ProjectClosed) as caught:
                await call
            assert caught.value.message == f"The project {NAME} ({project.id}) is disabled in Keystone."
            assert f"`openstack project set --enable {project.id}`" in caught.value.hint
            assert caught.value.error_class is ErrorClass.OPERATOR
        keystone.update_project(project, is_enabled=True)
        again = provider_in(openstack_bed, project, kind)
        assert await again.delete_all(cluster.uuid) != []
        assert await again.list_resources(cluster.uuid) == []
        keystone.delete_project(project)
        with pytest.raises(ProjectClosed, match=f"The project {project.id} is gone from Keystone"):
            await provider_in(openstack_bed, project, kind).list_machines(cluster.uuid)
