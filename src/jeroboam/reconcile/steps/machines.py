"""Step "machine": every node group has exactly the machines it asks for, all made and booted side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...contracts import Machine, MachineBatch, MachineRequest, MachineSpec
from ...domain import Resource
from ...domain.errors import BootstrapFailed, JeroboamError, LeaseLost, RetryLater
from ...planning import plan_machines
from ..left_alone import without_left_alone
from ..scope import DONE, Outcome, Scope
from .nodes import console


class Machines:
    """Look at the provider, not at a table of ours; make what is missing. Removal comes later, when the rest is ready."""

    async def run(self, scope: Scope) -> Outcome:
        scope.seen = tuple(await scope.called("list_machines", scope.provider.list_machines(scope.cluster.uuid)))
        await _follow(scope)
        scope.plan = without_left_alone(scope, plan_machines(scope.cluster, scope.groups, scope.seen))
        if not scope.plan.ensure:
            return DONE
        specs, provider = scope.plan.ensure, scope.provider
        if isinstance(provider, MachineBatch):
            results = await _ensure_together(scope, provider, specs)
        else:
            results = await asyncio.gather(*(_ensure(scope, spec) for spec in specs), return_exceptions=True)
        _raise_first(results)
        return Outcome.again(0.0, f"{len(scope.plan.ensure)} machines made")


async def _follow(scope: Scope) -> None:
    """Where the API is published elsewhere than the endpoint told, since another took that place first, it is there from now on."""
    outside = next((machine.outside for machine in scope.seen if machine.outside), None)
    if outside is None or scope.endpoint is None or outside == scope.endpoint.outside:
        return
    told = f"The API is published at {outside}: another had taken {scope.endpoint.outside}."
    scope.endpoint = replace(scope.endpoint, outside=outside)
    await scope.write(api_address=scope.driver.api_address(scope.endpoint))
    await scope.timeline.begin("endpoint")
    await scope.timeline.end("endpoint", message=told)


async def _ensure(scope: Scope, spec: MachineSpec) -> None:
    await _check_attempts(scope, spec)
    async with scope.timeline.step("machine", spec.name):
        wish = await _request(scope, spec)
        network, endpoint = scope.place()
        async with scope.turn():
            work = scope.provider.ensure_machine(wish.spec, network, endpoint, wish.config)
            await scope.called(f"ensure_machine {spec.name}", work, at=("machine", spec.name))
        await _made(scope, spec.name)


async def _ensure_together(
    scope: Scope, provider: MachineBatch, specs: Sequence[MachineSpec]
) -> list[BaseException | None]:
    """What `_ensure` does and raises for each, with one call and one turn at the provider."""
    begun = await asyncio.gather(*(_begun(scope, spec) for spec in specs), return_exceptions=True)
    wishes = [one for one in begun if isinstance(one, MachineRequest)]
    answers = await _asked(scope, provider, wishes) if wishes else {}
    told = (_told(scope, wish.spec.name, answers[wish.spec.name]) for wish in wishes)
    ended = await asyncio.gather(*told, return_exceptions=True)
    return [*(one for one in begun if isinstance(one, BaseException)), *ended]


async def _begun(scope: Scope, spec: MachineSpec) -> MachineRequest:
    """Its row is open when this returns, and closed when it raises."""
    await _check_attempts(scope, spec)
    await scope.timeline.begin("machine", spec.name)
    try:
        return await _request(scope, spec)
    except LeaseLost:
        raise  # whoever owns the cluster now writes its timeline
    except JeroboamError as error:
        await scope.timeline.fail("machine", spec.name, error)
        raise


async def _asked(
    scope: Scope, provider: MachineBatch, wishes: Sequence[MachineRequest]
) -> Mapping[str, Machine | JeroboamError]:
    """An answer for each: what is about none of them alone is about all."""
    network, endpoint = scope.place()
    try:
        async with scope.turn():
            work = provider.ensure_machines(wishes, network, endpoint)
            return await scope.called(f"ensure_machines of {len(wishes)}", work)
    except JeroboamError as error:
        return {wish.spec.name: error for wish in wishes}


async def _told(scope: Scope, name: str, answer: Machine | JeroboamError) -> None:
    if isinstance(answer, JeroboamError):
        await scope.timeline.fail("machine", name, answer)
        raise answer
    await _made(scope, name)
    await scope.timeline.end("machine", name)


async def _request(scope: Scope, spec: MachineSpec) -> MachineRequest:
    """What to boot; its ledger row is written when this returns, and it counts as booted no more: the call may replace it and fail."""
    scope.booted.discard(spec.name)
    image = await scope.image(spec.image_id)
    config = scope.driver.node_config(scope.context(image), spec)
    await scope.store.open_resource(Resource(scope.cluster.uuid, "machine", spec.name), scope.fence)
    return MachineRequest(replace(spec, keys=scope.keys), config)


async def _made(scope: Scope, name: str) -> None:
    # while the row of the machine is open: either says that nobody saw it boot
    await scope.timeline.begin("boot", name)


async def _check_attempts(scope: Scope, spec: MachineSpec) -> None:
    made = scope.timeline.times_done("machine", spec.name)  # a cloud that was away is no fault of the machine
    if made >= scope.limits.machine_attempts and scope.timeline.started_at("machine", spec.name) is None:
        await _give_up(scope, spec)


async def _give_up(scope: Scope, spec: MachineSpec) -> None:
    seen = next((m for m in scope.seen if m.name == spec.name), None)
    state = f"{seen.state}: {seen.detail}" if seen else "absent"
    log = await console(scope, spec.name)
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
