"""Step "gate": a provider or driver that wants a say lets the operation in. Most want none, and then no row is written."""

from __future__ import annotations

from datetime import timedelta

from ...contracts import OperationGate
from ...domain.errors import JeroboamError
from ..scope import DONE, Outcome, Scope

_LOOK_AGAIN_S = 1.0  # a newer request may stop the operation meanwhile


class Gate:
    """Asked at every pass with the time that the operation runs, so that a crash forgets nothing."""

    async def run(self, scope: Scope) -> Outcome:
        operation = scope.operation
        running = scope.clock.now() - (operation.started_at or scope.clock.now())
        for part in (scope.provider, scope.driver):
            if not isinstance(part, OperationGate):
                continue
            try:
                left = await scope.called(
                    "enter", part.enter(scope.cluster.name, operation.kind, running), at=("gate", "")
                )
            except JeroboamError as error:
                await scope.timeline.fail("gate", "", error)
                raise
            if left > timedelta(0):
                await scope.timeline.begin("gate")
                seconds = left.total_seconds()
                return Outcome.again(min(seconds, _LOOK_AGAIN_S), f"{operation.kind} waits {seconds:.1f} s at the gate")
        await scope.timeline.end("gate")
        return DONE
