"""Step "heal": nodes that are still not well leave their cluster, and their machines go. The next step makes them anew, and starts
those that only stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import healing
from ...contracts import Machine, MachineState
from ...domain import Ailing, OperationKind
from ..scope import DONE, Outcome, Scope
from .removal import needed_access, set_aside, take_out


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
            take_away = set_aside if remedy is healing.Remedy.REBUILD else take_out
            async with scope.timeline.step("heal", name):
                await take_away(scope, machine, at=("heal", name))
        scope.healed = True
        return DONE


async def _is_well(scope: Scope, machine: Machine) -> bool:
    """Asked of the live cluster, never of what was seen before. Raises CoeUnreachable."""
    if machine.stands_still:
        return False
    health = await scope.asked("health", scope.driver.health(needed_access(scope, machine), [machine]))
    return any(node.name == machine.name and node.ready for node in health.nodes)


def _lost(scope: Scope, one: Ailing) -> Machine:
    """What the provider has forgotten, for the driver, which may remember it."""
    return Machine("", one.node, scope.cluster.uuid, one.group, one.role, one.index, MachineState.DELETING)
