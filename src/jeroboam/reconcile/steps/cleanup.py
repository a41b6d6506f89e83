"""Step "cleanup": nothing of the cluster is left at the provider. Asked by tag, not by what we remember."""

from __future__ import annotations

from ..scope import DONE, Outcome, Scope


class Cleanup:
    """Delete all, look again, and only then believe it."""

    async def run(self, scope: Scope) -> Outcome:
        uuid = scope.cluster.uuid
        async with scope.timeline.step("cleanup"), scope.turn():
            deleted = await scope.provider.delete_all(uuid)
        left = await scope.provider.list_resources(uuid)
        if left:
            return Outcome.again(0.5, f"{len(left)} resources left, first {left[0].kind} {left[0].name}")
        await scope.timeline.begin("report")
        kinds = sorted({r.kind for r in deleted})
        counts = ", ".join(_counted(sum(r.kind == kind for r in deleted), kind) for kind in kinds)
        await scope.timeline.end("report", message=f"deleted: {counts or 'nothing was there'}")
        await scope.store.close_resources(uuid, scope.fence)
        return DONE


def _counted(number: int, kind: str) -> str:
    return f"{number} {kind}{'' if number == 1 else 's'}"
