"""Projects of a test's own, which it may close, fill and delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jeroboam.domain import Secret
from jeroboam.providers.openstack import OpenStackProvider, OpenStackSettings
from jeroboam.providers.openstack.session import KeystoneRest
from jeroboam.providers.openstack.settings import CredentialKind

from .testbed import Bed


@contextmanager
def project_of_its_own(bed: Bed, name: str) -> Iterator[Any]:
    """With a user of the same name, who is a member of it."""
    keystone = bed.connect(bed.admin).identity
    for former in (*keystone.projects(name=name), *keystone.users(name=name)):
        keystone.delete(f"/{'users' if hasattr(former, 'password') else 'projects'}/{former.id}")
    user = keystone.create_user(name=name, password=bed.password)
    project = keystone.create_project(name=name)
    keystone.assign_project_role_to_user(project, user, keystone.find_role("member"))
    try:
        yield project
    finally:
        keystone.delete_project(project)
        keystone.delete_user(user)


def provider_in(bed: Bed, project: Any, kind: CredentialKind = CredentialKind.NONE) -> OpenStackProvider:
    """By that user, as a process has it that was just started."""
    password = Secret(bed.password.encode())
    settings = OpenStackSettings(
        bed.auth_url, project.name, password, region_name=bed.region, cluster_credentials=kind, timeout_s=60.0
    )
    provider = OpenStackProvider(KeystoneRest(settings), settings)
    provider.use_key(b"k" * 32)

    async def kept(uuids: Any) -> dict[str, str]:
        return dict.fromkeys(uuids, project.id)

    provider.use_projects(kept)
    return provider
