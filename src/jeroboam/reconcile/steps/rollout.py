"""Step "replace": machines of another image or of other keys than wished make way for new ones, a batch at a time."""

from __future__ import annotations

from ...contracts import Machine
from ...domain import OperationKind
from ...planning import plan_batch, runs
from ..scope import DONE, Outcome, Scope
from .removal import release


class Rollout:
    """Runs when all nodes are ready, so that what is away is what this step took away. The next pass makes the new machines."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.plan is None:
            raise RuntimeError("steps out of order: rollout needs the machine plan")
        outdated = {machine.name for machine in scope.plan.keep if await _outdated(scope, machine)}
        size = scope.upgrade.batch_size if scope.upgrade else 1
        batch = plan_batch(scope.groups, scope.plan, outdated, size)
        for machine in batch:
            async with scope.timeline.step("replace", machine.name):
                await release(scope, machine)
                async with scope.turn():
                    await scope.provider.delete_machine(scope.cluster.uuid, machine.name)
        if not batch:
            return DONE
        return Outcome.again(0.0, f"{len(outdated)} of {len(scope.plan.wanted)} nodes still to be replaced")


async def _outdated(scope: Scope, machine: Machine) -> bool:
    if scope.operation.kind in (OperationKind.ROTATE_CA, OperationKind.ROTATE_CREDENTIALS):
        return machine.keys != scope.keys
    if scope.upgrade is None:
        return False
    group = next(one for one in scope.groups if one.name == machine.group)
    if group.uuid not in scope.upgrade.groups:
        return False
    return not runs(machine, group.image_id, await scope.image(group.image_id))
