"""Step "comeback": nodes that stepped aside while their machines were made anew work again, before the next ones go."""

from __future__ import annotations

from ...contracts import StatefulDriver
from ..scope import DONE, Outcome, Scope


class Comeback:
    """Runs in every operation, so that what a crash or a failure left aside comes back with the next one."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.plan is None:
            raise RuntimeError("steps out of order: comeback needs the machine plan")
        access = scope.access()
        if not isinstance(scope.driver, StatefulDriver) or access is None:
            return DONE
        missing = await scope.asked("take_back", scope.driver.take_back(scope.plan.keep, access))
        return Outcome.again(0.3, missing) if missing else DONE
