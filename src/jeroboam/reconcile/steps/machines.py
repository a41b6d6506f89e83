"""Step "machine": every node group has exactly the machines it asks for, all made and booted side by side."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ...contracts import MachineSpec
from ...domain import Resource
from ...domain.errors import BootstrapFailed, JeroboamError, RetryLater
from ...planning import plan_machines
from ..scope import DONE, Outcome, Scope


class Machines:
    """Look at the provider, not at a table of ours; make what is missing. Removal comes later, when the rest is ready."""

    async def run(self, scope: Scope) -> Outcome:
        scope.seen = tuple(await scope.provider.list_machines(scope.cluster.uuid))
        scope.plan = plan_machines(scope.cluster, scope.groups, scope.seen)
        if not scope.plan.ensure:
            return DONE
        results = await asyncio.gather(*(_ensure(scope, spec) for spec in scope.plan.ensure), return_exceptions=True)
        _raise_first(results)
        return Outcome.again(0.0, f"{len(scope.plan.ensure)} machines made")


async def _ensure(scope: Scope, spec: MachineSpec) -> None:
    made = scope.timeline.times_done("machine", spec.name)  # a cloud that was away is no fault of the machine
    if made >= scope.limits.machine_attempts and scope.timeline.started_at("machine", spec.name) is None:
        await _give_up(scope, spec)
    async with scope.timeline.step("machine", spec.name):
        image = await scope.image(spec.image_id)
        context = scope.context(image)
        config = scope.driver.node_config(context, spec)
        await scope.store.open_resource(Resource(scope.cluster.uuid, "machine", spec.name), scope.fence)
        tagged = replace(spec, keys=scope.keys)
        async with scope.turn():
            await scope.provider.ensure_machine(tagged, context.network, context.endpoint, config)
        scope.booted.discard(spec.name)
        await scope.timeline.begin("boot", spec.name)  # inside: an open row of either kind says that nobody saw it boot


async def _give_up(scope: Scope, spec: MachineSpec) -> None:
    seen = next((m for m in scope.seen if m.name == spec.name), None)
    state = f"{seen.state}: {seen.detail}" if seen else "absent"
    log = await scope.provider.console_log(scope.cluster.uuid, spec.name, lines=60)
    raise BootstrapFailed(
        f"{spec.name} does not stay up ({state}) after {scope.limits.machine_attempts} attempts.",
        node=spec.name,
        log=log,
        hint="Read the node's console in the timeline; a larger flavor or another image may help.",
    )


def _raise_first(results: list[BaseException | None]) -> None:
    """The most telling error: one that will not pass before one that will."""
    errors = [r for r in results if isinstance(r, BaseException)]
    errors.sort(key=lambda e: (isinstance(e, RetryLater), not isinstance(e, JeroboamError)))
    if errors:
        raise errors[0]
