"""Step "cleanup": nothing of the cluster is left at the provider. Asked by tag, not by what we remember."""

from __future__ import annotations

from datetime import timedelta

from ...domain import Resource
from ...domain.errors import ProviderRefused
from .. import deleted
from ..deadlines import refused
from ..scope import DONE, Outcome, Scope

_AT = ("cleanup", "")


class Cleanup:
    """Note what is there, delete all, look again, and only then believe it."""

    async def run(self, scope: Scope) -> Outcome:
        try:
            left = await delete_all(scope)
        except ProviderRefused as error:
            raise await refused(scope, error) from error
        if left:
            return Outcome.again(0.5, f"{len(left)} resources left, first {left[0].kind} {left[0].name}")
        await report(scope)
        await scope.store.close_resources(scope.cluster.uuid, scope.fence)
        return DONE


async def delete_all(scope: Scope, *, limit: timedelta | None = None) -> tuple[Resource, ...]:
    """Returns what is there still. Each call, and the wait for a turn, has the `limit`, if that is shorter than its own."""
    async with scope.timeline.step(*_AT):
        await look(scope, limit=limit)
        async with scope.turn(limit=limit):
            await scope.called("delete_all", scope.provider.delete_all(scope.cluster.uuid), at=_AT, limit=limit)
    return await look(scope, limit=limit)


async def look(scope: Scope, *, limit: timedelta | None = None) -> tuple[Resource, ...]:
    """What is there, by tag. It goes to the ledger, so that the report names it whatever happens meanwhile to this process."""
    uuid = scope.cluster.uuid
    found = await scope.called("list_resources", scope.provider.list_resources(uuid), at=_AT, limit=limit)
    scope.left = tuple(Resource(uuid, one.kind, one.name, one.id) for one in found)
    fresh = [one for one in scope.left if one.provider_id not in scope.noted]
    if fresh:
        await scope.store.note_found(uuid, scope.fence, fresh)
        scope.noted.update(one.id for one in found)
    return scope.left


async def report(scope: Scope) -> None:
    """Step "report": all that the ledger has from the provider is gone."""
    if scope.timeline.ended_well("report"):
        return  # written by a run that died right after
    gone = [one for one in await scope.store.open_resources(scope.cluster.uuid) if one.provider_id is not None]
    await scope.timeline.begin("report")
    await scope.timeline.end("report", message=deleted.told(gone), log=deleted.listed(gone))
