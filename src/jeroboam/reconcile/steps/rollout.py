"""Step "replace": machines of another image or of other keys than wished make way for new ones, a batch at a time.

Where a node's state must outlive its machine, the machine is made anew around it: step "rebuild".
"""

from __future__ import annotations

from ...contracts import Machine, MachineRebuilder, StatefulDriver
from ...domain.errors import ProviderRefused
from ...planning import plan_batch, runs
from ..scope import DONE, Outcome, Scope
from .removal import delete, needed_access, release


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
    driver, provider = scope.driver, scope.provider
    if not isinstance(driver, StatefulDriver):
        at = ("replace", machine.name)
        async with scope.timeline.step(*at):
            await release(scope, machine, at=at)
            async with scope.turn():
                await delete(scope, machine, at=at)
        return
    at = ("rebuild", machine.name)
    async with scope.timeline.step(*at):
        if not isinstance(provider, MachineRebuilder):
            # Refused before it was stored, but a provider may be changed since.
            raise ProviderRefused(f"The provider {provider.name} makes no machine anew around its state.")
        work = driver.set_aside(machine, needed_access(scope, machine))
        await scope.asked(f"set_aside {machine.name}", work, at=at)
        async with scope.turn():
            work = provider.unmake_machine(scope.cluster.uuid, machine.name)
            await scope.called(f"unmake_machine {machine.name}", work, at=at)


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
