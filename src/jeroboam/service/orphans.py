"""What carries our tag at the provider and belongs to no cluster that is kept. Nothing of a cluster that is kept is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from ..contracts import Caller, FoundResource
from ..domain.errors import Conflict, NotFound
from .services import Asker, Services

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Orphan:
    """All that is left of one cluster. `ours`: this installation made it, for its operations are kept; another installation that
    shares the provider has clusters, too, which look the same from here."""

    cluster_uuid: str
    ours: bool
    resources: Sequence[FoundResource]


async def list_all(services: Services, caller: Caller) -> Sequence[Orphan]:
    """Of all projects. Raises Forbidden, and what the provider raises."""
    services.policy.require("orphan:get_all", caller)
    return await _found(services, await services.provider.list_resources())


async def _found(services: Services, resources: Sequence[FoundResource]) -> list[Orphan]:
    """The resources are seen before the store is asked: what is made has its cluster there already."""
    of: dict[str, list[FoundResource]] = {}
    for one in resources:
        of.setdefault(one.cluster_uuid, []).append(one)
    recorded = await services.store.recorded(of)
    return [Orphan(uuid, uuid in recorded, of[uuid]) for uuid in sorted(of) if not recorded.get(uuid)]


async def remove(services: Services, asker: Asker, cluster_uuid: str, *, foreign: bool) -> Orphan:
    """Remove one, named by its cluster's uuid; returns what was deleted. With `foreign` also one that may be another installation's.

    Raises Forbidden, NotFound, Conflict (the cluster is kept; or it is not known to be ours), RetryLater when something is still
    there: asked again, it goes on.
    """
    services.policy.require("orphan:delete", asker.caller)
    found = await _found(services, await services.provider.list_resources(cluster_uuid))
    if not found and await services.store.find_clusters(cluster_uuid, None):
        raise Conflict(f"Cluster {cluster_uuid} is kept.", hint="Delete the cluster.")
    if not found:
        raise NotFound("Orphan", cluster_uuid)
    [orphan] = found
    if not (orphan.ours or foreign):
        raise Conflict(
            f"Nothing is recorded here of a cluster {cluster_uuid}.",
            hint="It may be another installation's that uses the same provider. If it is not, say foreign.",
        )
    deleted = await services.provider.delete_all(cluster_uuid)
    await services.store.close_ledger(cluster_uuid)
    told = [f"{one.kind} {one.name}" for one in deleted]
    _log.warning("orphans removed", cluster=cluster_uuid, request=asker.request_id, ours=orphan.ours, deleted=told)
    return Orphan(cluster_uuid, orphan.ours, deleted)
