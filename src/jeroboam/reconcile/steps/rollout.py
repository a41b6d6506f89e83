"""Step "replace": machines of another image or of other keys than wished make way for new ones, a batch at a time.

Where a node's state must outlive its machine, the machine is made anew around it: step "rebuild".
"""

from __future__ import annotations

from ...contracts import Machine, StatefulDriver
from ...planning import plan_batch, runs
from ..scope import DONE, Outcome, Scope
from .removal import set_aside, take_out


class Rollout:
    """Runs when all nodes are ready, so that what is away is what this step took away. The next pass makes the new machines."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.plan is None:
            raise RuntimeError("steps out of order: rollout needs the machine plan")
        outdated = {machine.name for machine in scope.plan.keep if await _outdated(scope, machine)}
        size = scope.upgrade.batch_size if scope.upgrade else 1
        batch = plan_batch(scope.groups, scope.plan, outdated, size)
        for machine in batch:
            await _take_away(scope, machine)
        if not batch:
            return DONE
        return Outcome.again(0.0, f"{len(outdated)} of {len(scope.plan.wanted)} nodes still to be replaced")


async def _take_away(scope: Scope, machine: Machine) -> None:
    around_state = isinstance(scope.driver, StatefulDriver)
    at = ("rebuild" if around_state else "replace", machine.name)
    async with scope.timeline.step(*at):
        await (set_aside if around_state else take_out)(scope, machine, at=at)


async def _outdated(scope: Scope, machine: Machine) -> bool:
    if scope.rotates:
        return machine.keys != scope.keys and (
            not _former_goes(scope) or machine.role in scope.driver.capabilities.overlap
        )
    if scope.upgrade is None:
        return False
    group = next(one for one in scope.groups if one.name == machine.group)
    if group.uuid not in scope.upgrade.groups:
        return False
    return not runs(machine, group.image_id, await scope.image(group.image_id))


def _former_goes(scope: Scope) -> bool:
    """The second way of a rotation with overlap: all have the new CAs, and some the former beside them."""
    return bool(scope.overlap_secrets and scope.secrets and not scope.secrets.former)
