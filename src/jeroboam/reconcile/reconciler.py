"""Runs one operation: passes of look, plan, act until the wish is met, an error that will not pass, or the deadline.

A pass runs the steps in order and stops at the first that has to wait. The durable engine keeps no record of passes: after a crash the
next one simply begins, what is there is seen, and what is missing is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import structlog

from ..contracts import Clock, ClusterRow, Driver, Provider, Store
from ..domain import Operation, OperationState, Verb
from ..domain.errors import (
    Cancelled,
    ConfigError,
    DeadlineExceeded,
    JeroboamError,
    LeaseLost,
    ProviderUnavailable,
    RetryLater,
)
from .deadlines import check_deadline
from .ending import cancelled_change, final_change, restored_counts, sentence
from .incident import incident
from .scope import AccessMaker, Limits, Outcome, Scope, StepProtocol
from .steps.cleanup import Cleanup
from .steps.coe import Coe
from .steps.comeback import Comeback
from .steps.credential import Credential
from .steps.forced import Forced
from .steps.gate import Gate
from .steps.healing import Healing
from .steps.inner_keys import InnerKeys
from .steps.machines import Machines
from .steps.marks import Marks
from .steps.network import ClusterNetwork
from .steps.nodes import Boot, tell_unfinished
from .steps.pki import Keys, Publish
from .steps.pod_routes import Meanwhile, PodRoutes
from .steps.removal import Removal
from .steps.renewal import Renewal
from .steps.rollout import Rollout
from .timeline import Timeline
from .turns import Turns

APPLY: tuple[StepProtocol, ...] = (
    Gate(),
    Keys(),
    Credential(),
    ClusterNetwork(),
    Renewal(),
    Healing(),
    Meanwhile(Machines()),
    Meanwhile(Boot()),
    Meanwhile(Coe()),
    PodRoutes(),
    Comeback(),
    Marks(),
    Rollout(),
    Publish(),
    InnerKeys(),
    Removal(),
)
DELETE: tuple[StepProtocol, ...] = (Gate(), Cleanup())
FORCED: tuple[StepProtocol, ...] = (Forced(),)  # nobody's leave is asked

_LOOK_S = 1.0
_GO_ON = "Retry the cluster to go on with it, resize it, or delete it."
_log = structlog.get_logger(__name__)


class Verdict(NamedTuple):
    """End of a pass: over, or again after so many seconds; `failed` when an error is waited out."""

    over: bool
    after_s: float = 0.0
    failed: bool = False


@dataclass(frozen=True)
class Reconciler:
    """Everything an operation's run needs. One object serves all operations; it keeps nothing between them."""

    store: Store
    providers: Mapping[str, Provider]
    default_provider: str
    drivers: Mapping[str, Driver]
    clock: Clock
    make_access: AccessMaker
    limits: Limits = field(default_factory=Limits)
    turns: Turns = field(default_factory=lambda: Turns(64))  # of all operations together

    async def run(self, operation_uuid: str) -> None:
        """The engine's runner. Returns when the operation is final, somebody else's, or gone; never raises an Exception of a pass."""
        scope = await self._begin(operation_uuid)
        if scope is None:
            return
        failures = 0
        while True:
            verdict = await self._guarded_pass(scope, failures)
            if verdict.over:
                return
            failures = failures + 1 if verdict.failed else 0
            await self._wait(scope, verdict.after_s)

    async def _begin(self, operation_uuid: str) -> Scope | None:
        while True:
            try:
                begun = await self.store.begin_operation(operation_uuid)
                if begun is None:
                    return None
                operation, fence = begun
                row = await self.store.load(operation.cluster_uuid)
                if row is None:
                    return None
                return await self._scope(operation, fence, row)
            except ProviderUnavailable as error:  # the database is away; nothing can be written meanwhile
                await asyncio.sleep(error.after_s)

    async def _scope(self, operation: Operation, fence: int, row: ClusterRow) -> Scope | None:
        timeline = Timeline(self.store, self.clock, operation.uuid)
        await timeline.load()
        name = row.cluster.shape.driver or ""
        driver = self.drivers.get(name)
        if driver is None and operation.verb is Verb.DELETE:
            driver = next(iter(self.drivers.values()))  # deletion needs no driver: nothing is drained
        if driver is None:
            error = ConfigError(f"Driver {name} is not loaded.", hint=f"Loaded are: {', '.join(sorted(self.drivers))}.")
            await self._fail_now(operation, fence, row, error)
            return None
        return Scope(
            store=self.store,
            provider=self.providers[self.default_provider],
            driver=driver,
            clock=self.clock,
            limits=self.limits,
            make_access=self.make_access,
            timeline=timeline,
            operation=operation,
            fence=fence,
            row=row,
            turns=self.turns,
        )

    async def _fail_now(
        self,
        operation: Operation,
        fence: int,
        row: ClusterRow,
        error: JeroboamError,
        restored: Mapping[str, int] | None = None,
    ) -> None:
        change = final_change(row, operation.verb, ok=False, reason=sentence(error))
        change = replace(change, restored=restored or {}, wished_generation=operation.generation)
        await self.store.finish_operation(
            operation.uuid,
            fence,
            OperationState.FAILED,
            change=change,
            error=error.message,
            error_class=error.error_class,
            hint=error.hint or None,
        )

    async def _wait(self, scope: Scope, seconds: float) -> None:
        """Nobody who asks an operation to stop waits for the pause of an error to pass."""
        while seconds > _LOOK_S:
            await asyncio.sleep(_LOOK_S)
            seconds -= _LOOK_S
            with suppress(RetryLater):  # the database is away, which is perhaps what is waited out
                if await scope.store.cancel_requested(scope.operation.uuid):
                    return
        await asyncio.sleep(seconds)

    async def _guarded_pass(self, scope: Scope, failures: int) -> Verdict:
        try:
            return await self._pass(scope)
        except LeaseLost as error:
            _log.info("operation handed over", operation=scope.operation.uuid, why=error.message)
            return Verdict(over=True)
        except RetryLater as error:
            return await self._wait_or_give_up(scope, error, failures)
        except JeroboamError as error:
            return await self._fail(scope, error)
        except Exception as error:  # noqa: BLE001 - where an operation's unforeseen errors end
            return await self._fail(scope, incident(scope, error))

    async def _pass(self, scope: Scope) -> Verdict:
        if await _shall_stop(scope):
            return await self._cancelled(scope)
        if not scope.just_begun:
            await scope.refresh()
        scope.just_begun = False
        deleting = scope.operation.verb is Verb.DELETE
        steps = APPLY if not deleting else FORCED if scope.operation.forced else DELETE
        outcome = await _run_steps(steps, scope)
        if not outcome.done:
            await check_deadline(scope, outcome.why)
            if outcome.why:
                await scope.write(status_reason=await scope.moving(outcome.why))
            return Verdict(over=False, after_s=outcome.after_s)
        if deleting:
            await scope.store.remove_cluster(scope.cluster.uuid, scope.fence, scope.operation.uuid)
        else:
            await self._complete(scope)
        return Verdict(over=True)

    async def _complete(self, scope: Scope) -> None:
        await scope.refresh()
        change = replace(
            final_change(scope.row, scope.operation.verb, ok=True, reason=None, scope=scope),
            upgraded=scope.upgrade,
            new_secrets=scope.new_secrets,
        )
        await scope.timeline.end_open()
        await scope.store.finish_operation(scope.operation.uuid, scope.fence, OperationState.SUCCEEDED, change=change)

    async def _cancelled(self, scope: Scope) -> Verdict:
        """For a deletion, which shows its own status; or because somebody wished no more than that."""
        try:
            await scope.refresh()
            deleting, found = scope.row.cluster.deleting, await scope.store.get_operation(scope.operation.uuid)
            asked = found.details.get("cancelled_by", "-") if found else "-"
            why = "a newer request took its place" if deleting else f"cancelled by request {asked}"
            error = Cancelled(f"Stopped: {why}.", hint="" if deleting else _GO_ON)
            change = None if deleting else cancelled_change(scope, error)
            await scope.timeline.fail_open(error)
            await scope.store.finish_operation(
                scope.operation.uuid, scope.fence, OperationState.CANCELLED, change=change, error=error.message
            )
        except LeaseLost:
            return Verdict(over=True)
        except RetryLater as retry:
            return Verdict(over=False, after_s=max(1.0, retry.after_s), failed=True)
        return Verdict(over=True)

    async def _wait_or_give_up(self, scope: Scope, error: RetryLater, failures: int) -> Verdict:
        try:
            await check_deadline(scope, error.message)
            await scope.write(status_reason=await scope.moving(sentence(error)))
        except DeadlineExceeded as late:
            return await self._fail(scope, late)
        except RetryLater as again:
            if isinstance(again, LeaseLost):
                return Verdict(over=True)
        backoff = min(30.0, max(1.0, error.after_s) * 2 ** min(failures, 5))
        return Verdict(over=False, after_s=backoff, failed=True)

    async def _fail(self, scope: Scope, error: JeroboamError) -> Verdict:
        _log.warning(
            "operation failed", operation=scope.operation.uuid, cluster=scope.cluster.uuid, error=error.message
        )
        try:
            if isinstance(error, DeadlineExceeded):
                await tell_unfinished(scope)
            restored = restored_counts(scope)
            await scope.timeline.fail_open(error)
            await self._fail_now(scope.operation, scope.fence, scope.row, error, restored=restored)
        except LeaseLost:
            return Verdict(over=True)
        except RetryLater as again:  # the database is away: the failure is found again at the next pass
            return Verdict(over=False, after_s=max(1.0, again.after_s), failed=True)
        return Verdict(over=True)


async def _shall_stop(scope: Scope) -> bool:
    if scope.just_begun:
        return scope.operation.cancel_requested
    return await scope.store.cancel_requested(scope.operation.uuid)


async def _run_steps(steps: Sequence[StepProtocol], scope: Scope) -> Outcome:
    outcome = Outcome(done=True)
    for step in steps:
        outcome = await step.run(scope)
        if not outcome.done:
            break
    return outcome
