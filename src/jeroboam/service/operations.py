"""What was asked for and what became of it: operations and their timelines."""

from __future__ import annotations

from collections.abc import Sequence

from ..contracts import Caller
from ..domain import Operation, Step
from ..domain.errors import NotFound
from ..domain.names import parses_as_uuid
from . import clusters
from .policy import Target
from .services import Asker, Services

_RULE = "cluster:get"


async def list_all(services: Services, caller: Caller, cluster_ident: str) -> Sequence[Operation]:
    """Newest first. By uuid also after the cluster is gone. Raises NotFound, Ambiguous, Forbidden."""
    try:
        row = await clusters.get(services, caller, cluster_ident)
    except NotFound:
        return await _of_gone_cluster(services, caller, cluster_ident)
    return await services.store.list_operations(row.cluster.uuid)


async def _of_gone_cluster(services: Services, caller: Caller, ident: str) -> Sequence[Operation]:
    found = await services.store.list_operations(ident) if parses_as_uuid(ident) else []
    mine = [one for one in found if _visible(services, caller, one)]
    if not mine:
        raise NotFound("Cluster", ident)
    services.policy.require(_RULE, caller, Target(mine[0].project_id, mine[0].user_id))
    return mine


async def get(services: Services, caller: Caller, uuid: str) -> Operation:
    """Raises NotFound (also for another project's), Forbidden."""
    found = await services.store.get_operation(uuid)
    if found is None or not _visible(services, caller, found):
        raise NotFound("Operation", uuid)
    services.policy.require(_RULE, caller, Target(found.project_id, found.user_id))
    return found


async def steps(services: Services, caller: Caller, uuid: str, *, after_id: int = 0) -> Sequence[Step]:
    """The timeline, in order of beginning, or what of it comes after a row. Raises NotFound, Forbidden."""
    return await services.store.list_steps((await get(services, caller, uuid)).uuid, after_id=after_id)


async def cancel(services: Services, asker: Asker, uuid: str) -> Operation:
    """Ask an operation to stop; returns it as it is then. Raises NotFound, Forbidden, Conflict."""
    found = await get(services, asker.caller, uuid)
    services.policy.require("operation:cancel", asker.caller, Target(found.project_id, found.user_id))
    return await services.store.request_cancel(found.uuid, asker.request_id)


def _visible(services: Services, caller: Caller, one: Operation) -> bool:
    return one.project_id == caller.project_id or services.policy.is_admin(caller)
