"""Limits of projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ..contracts import Caller, Page, Quota
from ..domain.errors import Forbidden, NotFound, QuotaExceeded
from .services import Services


@dataclass(frozen=True)
class Limit:
    """A project's limit. Without `id` it is the installation's default."""

    project_id: str
    resource: str
    hard_limit: int
    id: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


async def get(services: Services, caller: Caller, project_id: str, resource: str) -> Limit:
    """Of the own project, or of any for an administrator. Raises Forbidden."""
    services.policy.require("quota:get", caller)
    if project_id != caller.project_id and not services.policy.is_admin(caller):
        raise Forbidden("Not authorized.")
    found = await services.store.get_quota(project_id, resource)
    if found is None:
        return Limit(project_id, resource, services.settings.max_clusters_per_project)
    return limit_of(found)


class Room(NamedTuple):
    """Clusters of a project: how many there are, and how many there may be."""

    used: int
    limit: int


async def room(services: Services, project_id: str) -> Room:
    """As of now; the store counts again in the transaction that keeps a cluster."""
    found = await services.store.get_quota(project_id, "Cluster")
    limit = services.settings.max_clusters_per_project if found is None else found.hard_limit
    return Room((await services.store.totals(project_id)).clusters, limit)


async def check_room(services: Services, project_id: str) -> None:
    """Raises QuotaExceeded, so that who has no room is told so first."""
    used, limit = await room(services, project_id)
    if used >= limit:
        raise QuotaExceeded(
            f"Resource limit exceeded: You have reached the maximum clusters per project, {limit}. "
            "You may delete a cluster to make room for a new one."
        )


async def list_all(services: Services, caller: Caller, page: Page, *, all_projects: bool) -> Sequence[Limit]:
    """Those that were set. Raises Forbidden, NotFound (marker), InvalidRequest (sort key)."""
    services.policy.require("quota:get_all", caller)
    found = await services.store.list_quotas(None if all_projects else caller.project_id, page)
    return [limit_of(one) for one in found]


async def create(services: Services, caller: Caller, project_id: str, resource: str, hard_limit: int) -> Limit:
    """Raises NotFound for a project that does not exist (told before the right to do it, as by Magnum), Forbidden, Conflict."""
    if services.projects is not None and not await services.projects.project_exists(project_id):
        raise NotFound("Project", project_id, message=f"The project_id {project_id} could not be found.")
    services.policy.require("quota:create", caller)
    return limit_of(await services.store.add_quota(project_id, resource, hard_limit))


async def update(services: Services, caller: Caller, project_id: str, resource: str, hard_limit: int) -> Limit:
    """Raises Forbidden, NotFound."""
    services.policy.require("quota:update", caller)
    return limit_of(await services.store.update_quota(project_id, resource, hard_limit))


async def delete(services: Services, caller: Caller, project_id: str, resource: str) -> None:
    """Raises Forbidden, NotFound."""
    services.policy.require("quota:delete", caller)
    await services.store.delete_quota(project_id, resource)


def limit_of(quota: Quota) -> Limit:
    """A row as a limit."""
    return Limit(quota.project_id, quota.resource, quota.hard_limit, quota.id, quota.created_at, quota.updated_at)
