"""Step "inner keys": secrets that the container tool makes for itself are renewed with the rest, when all nodes have the new keys."""

from __future__ import annotations

from ...contracts import InnerSecrets
from ...domain.errors import CoeUnreachable, DeadlineExceeded
from ..scope import DONE, Outcome, Scope

_STEP = "inner keys"


class InnerKeys:
    """Part of rotations, with drivers whose tool has such secrets."""

    async def run(self, scope: Scope) -> Outcome:
        if not scope.rotates or not isinstance(scope.driver, InnerSecrets):
            return DONE
        access = scope.access()
        if access is None:
            raise CoeUnreachable(
                "The secrets inside the cluster cannot be renewed: its API is not reachable from here."
            )
        await scope.timeline.begin(_STEP)
        work = scope.driver.renew_inside(scope.operation.kind, scope.operation.uuid, access)
        missing = await scope.asked("renew_inside", work, at=(_STEP, ""))
        if not missing:
            await scope.timeline.end(_STEP)
            return DONE
        if scope.overdue(_STEP, "", scope.limits.coe):
            raise await _late(scope, missing)
        return Outcome.again(0.2, await scope.moving(missing, at=(_STEP, "")))


async def _late(scope: Scope, missing: str) -> DeadlineExceeded:
    minutes = scope.limits.coe.total_seconds() / 60
    text = f"The secrets inside the cluster were not renewed within {minutes:g} minutes: {missing}."
    error = DeadlineExceeded(text, hint="See to nodes that are down, then ask for the rotation again.")
    await scope.timeline.fail(_STEP, "", error)
    return error
