"""Stacks of machines: they grow by what a pass asks for, in as few updates as Heat's limits allow, and shrink by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ...contracts import Machine, MachineState
from ...domain import Role
from ...domain.errors import JeroboamError, ProviderRefused, ProviderUnavailable
from .heat import UNDEAD, Heat, Made, Stack
from .machine_template import (
    ServerPlan,
    boot_parameter,
    empty_stack,
    has_port,
    machine_names,
    volume_resource,
    with_machine,
    without_machine,
)
from .network_template import Template
from .tags import is_as_given

BYTES_A_REQUEST = 768 * 1024  # of user data; Heat takes 1 MiB in all (max_json_body_size)
_NAMED = 3
_FIRST_LOOK_S, _LONGEST_PAUSE_S = 0.3, 3.0


@dataclass(frozen=True)
class Wish:
    """A machine that is to be, and the end of its user data."""

    plan: ServerPlan
    boot: str


Look = Callable[[], Awaitable[Sequence[Machine]]]


class Growth:
    """Changes one cluster's stacks. Who calls keeps others away from the same cluster."""

    def __init__(self, heat: Heat, request_bytes: int = BYTES_A_REQUEST) -> None:
        self._heat = heat
        self._request_bytes = request_bytes

    async def settled(self, project_id: str, name: str, until: float) -> Stack | None:
        """The stack when nothing goes on in it; None when it is absent. Raises ProviderUnavailable when `until`, a monotonic time, has
        come before."""
        pause = _FIRST_LOOK_S
        while True:
            stack = await self._heat.stack(project_id, name)
            if stack is None:
                return None
            if not stack.busy:
                return stack
            if time.monotonic() + pause > until:
                raise await self._stuck(stack)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)

    async def _stuck(self, stack: Stack) -> ProviderUnavailable:
        """What Heat waits for, as far as it tells: its engines may be the ones that do not work."""
        waits: Sequence[Made] = ()
        with suppress(JeroboamError):
            waits = [one for one in await self._heat.resources(stack) if one.status.endswith("_IN_PROGRESS")]
        named = ", ".join(f"{one.name} ({one.kind})" for one in waits[:_NAMED])
        return ProviderUnavailable(
            f"Stack {stack.name} is still at {stack.status}{f': Heat waits for {named}' if named else ''}.",
            after_s=2.0,
            hint="Where it lasts, the logs of Heat's engine and of the service behind the resource say why; it goes on by itself then.",
        )

    async def grow(self, project_id: str, name: str, wishes: Sequence[Wish], look: Look, until: float) -> Stack | None:
        """Make or finish these machines, all of one stack. Returns the settled stack; what failed in it is for the caller to see."""
        left = list(wishes)
        while left:
            stack = await self.settled(project_id, name, until)
            if stack is not None and stack.status == UNDEAD:
                await self._gone(stack, until)
                stack = None
            there = await _seen(look)
            left = [wish for wish in left if not _is_well(there.get(wish.plan.name))]
            few, left = _as_many_as_fit(left, self._request_bytes)
            if few:
                if stack is not None and await self._let_go(stack, few, there):
                    stack, there = await self.settled(project_id, name, until), await _seen(look)
                await self._apply(project_id, name, stack, few, there)
        return await self.settled(project_id, name, until)

    async def shrink(self, stack: Stack, cluster_uuid: str, machine: str, look: Look) -> None:
        """Begin to remove a machine, or the stack when it was the last in it or cannot be changed any more."""
        if stack.status == UNDEAD:
            await self._heat.delete(stack)
            return
        template = await self.template(stack, cluster_uuid)
        left = _without(template, await self._broken(stack, await look()) | {machine})
        if not machine_names(left):
            await self._heat.delete(stack)
        elif machine in machine_names(template):
            await self._heat.update(stack, cluster_uuid, left, {})

    async def _let_go(self, stack: Stack, wishes: Sequence[Wish], there: Mapping[str, Machine]) -> bool:
        """Begin to free the stack of servers that are in ERROR and hold a port which outlives them: a port is one server's, and Heat makes
        the new one first. It takes a port only from servers that are well. False when there is none.
        Source: Heat, OS::Nova::Server, prepare_ports_for_replace."""
        held = {wish.plan.name for wish in wishes if has_port(wish.plan) and _is_broken(there.get(wish.plan.name))}
        if not held:
            return False
        uuid = wishes[0].plan.cluster_uuid
        template = await self.template(stack, uuid)
        if not held & set(machine_names(template)):
            return False
        broken = await self._broken(stack, there.values())
        await self._heat.update(stack, uuid, _without(template, held | broken), {})
        return True

    async def _apply(
        self, project_id: str, name: str, stack: Stack | None, wishes: Sequence[Wish], there: Mapping[str, Machine]
    ) -> None:
        parameters = {boot_parameter(wish.plan.name): wish.boot for wish in wishes}
        one = wishes[0].plan
        if stack is None:
            apart = one.role is Role.CONTROL_PLANE
            template = _grown(empty_stack(one.cluster_uuid, one.group, apart=apart), wishes)
            await self._heat.create(project_id, name, one.cluster_uuid, template, parameters)
            return
        template = await self.template(stack, one.cluster_uuid)
        broken = await self._broken(stack, there.values())
        wanted = {wish.plan.name for wish in wishes}
        for again in sorted(wanted & set(machine_names(template))):  # Heat thinks that it is there
            why = f"its server is {there[again].state}" if again in there else "its server is gone"
            await self._heat.mark_unhealthy(stack, again, why)
            if volume_resource(again) in template["resources"]:  # what lies on it was the old machine's
                await self._heat.mark_unhealthy(stack, volume_resource(again), why)
        template = _grown(_without(template, broken - wanted), wishes)
        await self._heat.update(stack, one.cluster_uuid, template, parameters)

    async def _broken(self, stack: Stack, seen: Iterable[Machine]) -> set[str]:
        """Any update would make these anew, with nothing to boot: they go until they are asked for. One that is just not seen is none
        of them: what looks gone may be there."""
        failures = await self._heat.failures(stack)
        lost = {machine.name for machine in seen if _is_broken(machine)}
        return lost | {one.resource.partition(".")[0] for one in failures}

    async def _gone(self, stack: Stack, until: float) -> None:
        """Heat changes a stack no more whose deletion failed. All in it was to go: it goes, and its name is free."""
        await self._heat.delete(stack)
        left = await self.settled(stack.project_id, stack.name, until)
        if left is not None:
            raise ProviderUnavailable(f"Stack {left.name} cannot be deleted: {left.reason}", after_s=5.0)

    async def template(self, stack: Stack, cluster_uuid: str) -> Template:
        """Raises ProviderRefused when the stack is not this cluster's, or its template not the one that we gave."""
        if stack.cluster_uuid != cluster_uuid:
            raise ProviderRefused(
                f"Stack {stack.name} does not carry the tag of the cluster {cluster_uuid}.", hint="Rename or delete it."
            )
        template = await self._heat.template(stack)
        if not is_as_given(template, stack.tags):
            raise ProviderRefused(
                f"Stack {stack.name} was changed by somebody else: its template is not the one of the last change by Jeroboam.",
                hint="Delete the stack and let its machines be made anew, or give it the template and tags that it had.",
            )
        return template


async def _seen(look: Look) -> Mapping[str, Machine]:
    return {machine.name: machine for machine in await look()}


def _grown(template: Template, wishes: Iterable[Wish]) -> Template:
    for wish in wishes:
        template = with_machine(template, wish.plan)
    return template


def _without(template: Template, names: Iterable[str]) -> Template:
    for name in set(machine_names(template)) & set(names):
        template = without_machine(template, name)
    return template


def _is_broken(machine: Machine | None) -> bool:
    return machine is not None and machine.state is MachineState.FAILED


def _is_well(machine: Machine | None) -> bool:
    return machine is not None and machine.state in (MachineState.RUNNING, MachineState.STOPPED)


def _as_many_as_fit(wishes: Sequence[Wish], most: int) -> tuple[list[Wish], list[Wish]]:
    """At least one, and no more than one request holds."""
    size = 0
    for number, wish in enumerate(wishes):
        size += len(wish.boot)
        if number and size > most:
            return list(wishes[:number]), list(wishes[number:])
    return list(wishes), []
