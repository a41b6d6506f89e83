"""Step "cleanup": nothing of the cluster is left at the provider. Asked by tag, not by what we remember."""

from __future__ import annotations

from collections.abc import Sequence

from ...contracts import FoundResource
from ...domain import Resource
from ...domain.errors import ProviderRefused
from .. import deleted
from ..deadlines import refused
from ..scope import DONE, Outcome, Scope


class Cleanup:
    """Note what is there, delete all, look again, and only then believe it."""

    async def run(self, scope: Scope) -> Outcome:
        uuid = scope.cluster.uuid
        try:
            async with scope.timeline.step("cleanup"):
                await _look(scope)
                async with scope.turn():
                    await scope.called("delete_all", scope.provider.delete_all(uuid), at=("cleanup", ""))
        except ProviderRefused as error:
            raise await refused(scope, error) from error
        left = await _look(scope)
        if left:
            return Outcome.again(0.5, f"{len(left)} resources left, first {left[0].kind} {left[0].name}")
        await _report(scope)
        await scope.store.close_resources(uuid, scope.fence)
        return DONE


async def _look(scope: Scope) -> Sequence[FoundResource]:
    """What is there, by tag. It goes to the ledger, so that the report names it whatever happens meanwhile to this process."""
    uuid = scope.cluster.uuid
    found = await scope.called("list_resources", scope.provider.list_resources(uuid), at=("cleanup", ""))
    scope.left = tuple(Resource(uuid, one.kind, one.name, one.id) for one in found)
    fresh = [one for one in scope.left if one.provider_id not in scope.noted]
    if fresh:
        await scope.store.note_found(uuid, scope.fence, fresh)
        scope.noted.update(one.id for one in found)
    return found


async def _report(scope: Scope) -> None:
    if scope.timeline.ended_well("report"):
        return  # written by a run that died right after
    gone = [one for one in await scope.store.open_resources(scope.cluster.uuid) if one.provider_id is not None]
    await scope.timeline.begin("report")
    await scope.timeline.end("report", message=deleted.told(gone), log=deleted.listed(gone))
