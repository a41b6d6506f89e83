"""Step "heal": nodes that are still not well leave their cluster, and their machines go. The next step makes them anew, and starts
those that only stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import healing
from ...contracts import Machine, MachineRebuilder, MachineState, StatefulDriver
from ...domain import Ailing, OperationKind
from ...domain.errors import ProviderRefused
from ..scope import DONE, Outcome, Scope
from .removal import delete, needed_access, release


class Healing:
    """Looks once a run, and takes each machine away once an operation. What has come back by itself since is left alone."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.healed or scope.operation.kind is not OperationKind.HEAL:
            return DONE
        nodes: Mapping[str, Any] = scope.operation.details.get("nodes", {})
        seen = await scope.called("list_machines", scope.provider.list_machines(scope.cluster.uuid))
        there = {machine.name: machine for machine in seen}
        for name, remedy in healing.remedies(scope.operation.details).items():
            if remedy is healing.Remedy.START or scope.timeline.ended_well("heal", name):
                continue
            if name in there and await _is_well(scope, there[name]):
                continue
            machine = there.get(name) or _lost(scope, Ailing.of(name, nodes[name]))
            async with scope.timeline.step("heal", name):
                await _take_away(scope, machine, around_state=remedy is healing.Remedy.REBUILD)
        scope.healed = True
        return DONE


async def _is_well(scope: Scope, machine: Machine) -> bool:
    """Asked of the live cluster, never of what was seen before. Raises CoeUnreachable."""
    if machine.stands_still:
        return False
    health = await scope.asked("health", scope.driver.health(needed_access(scope, machine), [machine]))
    return any(node.name == machine.name and node.ready for node in health.nodes)


async def _take_away(scope: Scope, machine: Machine, *, around_state: bool) -> None:
    driver, provider, at = scope.driver, scope.provider, ("heal", machine.name)
    if not around_state:
        await release(scope, machine, at=at)  # a dead node is struck off, whoever holds it
        async with scope.turn():
            await delete(scope, machine, at=at)
        return
    if not isinstance(driver, StatefulDriver) or not isinstance(provider, MachineRebuilder):
        raise ProviderRefused(f"The provider {provider.name} makes no machine anew around its state.")  # any more
    await scope.asked(f"set_aside {machine.name}", driver.set_aside(machine, needed_access(scope, machine)), at=at)
    async with scope.turn():
        work = provider.unmake_machine(scope.cluster.uuid, machine.name)
        await scope.called(f"unmake_machine {machine.name}", work, at=at)


def _lost(scope: Scope, one: Ailing) -> Machine:
    """What the provider has forgotten, for the driver, which may remember it."""
    return Machine("", one.node, scope.cluster.uuid, one.group, one.role, one.index, MachineState.DELETING)
