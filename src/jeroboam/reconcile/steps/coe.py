"""Step "coe": the live cluster itself says that its nodes are ready and its own services run."""

from __future__ import annotations

from collections.abc import Collection

from ...contracts import CoeHealth
from ...domain.errors import CoeUnreachable, DeadlineExceeded
from ..scope import DONE, Outcome, Scope

_AT = ("coe", "")


class Coe:
    """Asks the cluster's API. A cluster that cannot be reached from here is taken at its nodes' word."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.plan is None:
            raise RuntimeError("steps out of order: coe needs the machine plan")
        access = scope.access()
        if access is None:
            return DONE
        await scope.timeline.begin("coe")
        try:
            health = await scope.asked("health", scope.driver.health(access, scope.plan.keep), at=_AT)
        except CoeUnreachable as error:
            return await _again(scope, error.message)
        scope.health = health
        missing = _missing(health, scope.passed_over)
        if missing:
            return await _again(scope, missing)
        await scope.timeline.end("coe")
        return DONE


def _missing(health: CoeHealth, passed_over: Collection[str]) -> str:
    if not health.api_ok:
        return health.reason or "the API server is not ready"
    sick = [node for node in health.nodes if not node.ready]
    late = [node for node in sick if node.name not in passed_over]
    if late:
        return f"{len(late)} of {len(health.nodes)} nodes not ready; {late[0].name}: {late[0].reason or 'NotReady'}"
    # While a node is away, something of what runs on every node does not.
    return "" if sick or health.workloads_ready else health.reason or "the cluster's own services are not ready"


async def _again(scope: Scope, why: str) -> Outcome:
    if scope.overdue("coe", "", scope.limits.coe):
        minutes = scope.limits.coe.total_seconds() / 60
        error = DeadlineExceeded(
            f"The cluster was not ready within {minutes:g} minutes of its nodes' boot: {why}.",
            hint="Look at the nodes' consoles in the timeline; then retry, or delete the cluster.",
        )
        await scope.timeline.fail("coe", "", error)
        raise error
    return Outcome.again(0.3, await scope.moving(why, at=_AT))
