"""Step "renew": a retry makes those nodes anew whose first boot failed, since a node boots for the first time only once."""

from __future__ import annotations

import asyncio

from ... import bootstrap
from ...contracts import Machine, MachineRebuilder, StatefulDriver
from ...domain import OperationKind, Role
from ...domain.errors import CoeRefused, CoeUnreachable
from ...planning import plan_machines
from ..scope import DONE, Outcome, Scope
from .nodes import console
from .removal import delete, unmake


class Renewal:
    """Looks once a run, and renews each node once an operation: one whose boot fails again ends it."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.renewed or "retry_of" not in scope.operation.details:
            return DONE
        seen = await scope.called("list_machines", scope.provider.list_machines(scope.cluster.uuid))
        plan = plan_machines(scope.cluster, scope.groups, seen)
        kept = [m for m in plan.keep if not _met(scope, m) and m.name not in scope.passed_over]
        unborn = await asyncio.gather(*(_failed_to_boot(scope, machine) for machine in kept))
        for machine in (one for one, failed in zip(kept, unborn, strict=True) if failed):
            async with scope.timeline.step("renew", machine.name):
                await _take_away(scope, machine, alone=len(kept) == 1)
        scope.renewed = True
        return DONE


async def _take_away(scope: Scope, machine: Machine, *, alone: bool) -> None:
    """With its state, as a rule. Where the cluster was up before and its nodes' state outlives their machines, the state stays: the only
    manager of a swarm whose boot failed when it was made anew is still all that there is of that swarm."""
    driver, provider, at = scope.driver, scope.provider, ("renew", machine.name)
    creates = scope.operation.kind is OperationKind.CREATE
    if not creates and isinstance(driver, StatefulDriver) and isinstance(provider, MachineRebuilder):
        await unmake(scope, provider, machine, at=at)
        return
    if machine.role is Role.CONTROL_PLANE and not alone:
        await _forget(scope, machine)
    await delete(scope, machine, at=at)


def _met(scope: Scope, machine: Machine) -> bool:
    """Whether an earlier run of this operation made it or saw it up."""
    return any(scope.timeline.ended_well(step, machine.name) for step in ("renew", "machine", "boot"))


async def _failed_to_boot(scope: Scope, machine: Machine) -> bool:
    return bootstrap.parse_console(await console(scope, machine.name)).failed


async def _forget(scope: Scope, machine: Machine) -> None:
    """It may have joined the others of the control plane before it failed. Where none of them answers there is nobody to tell."""
    access = scope.access()
    if access is None:
        return
    try:
        await scope.asked(f"release {machine.name}", scope.driver.release(machine, access), at=("renew", machine.name))
    except (CoeUnreachable, CoeRefused):
        return
