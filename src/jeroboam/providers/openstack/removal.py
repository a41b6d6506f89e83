"""The end of a cluster: its stacks, then whatever else carries its tag, and a look whether it is so."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from ...contracts import FoundResource
from ...domain.errors import ProviderUnavailable
from .heat import UNDEAD, Heat, Stack, failed
from .neutron import Neutron
from .nova import Nova
from .piecemeal import Piecemeal
from .pod_routes import PodRoutes
from .rest import Rest
from .tags import is_as_given

_PAUSE_S = 0.5
_SHOWN = 5


class Removal:
    """Deletes in the right order, and goes on where an earlier call stopped."""

    def __init__(self, rest: Rest) -> None:
        self._heat = Heat(rest)
        self._nova = Nova(rest)
        self._neutron = Neutron(rest)
        self._pods = PodRoutes(self._neutron)
        self._piecemeal = Piecemeal(rest)
        # By stack: deletions that Heat gave up. A restart forgets, and costs one more.
        self._failed: Counter[str] = Counter()

    async def found(self, project_id: str, cluster_uuid: str | None) -> Sequence[FoundResource]:
        """All that is there in a project."""
        stacks, machines, tagged = await asyncio.gather(
            self._heat.stacks(project_id, cluster_uuid),
            self._nova.machines(project_id, cluster_uuid),
            self._neutron.tagged(project_id, cluster_uuid),
        )
        found = [FoundResource("stack", one.id, one.name, one.cluster_uuid) for one in stacks if one.cluster_uuid]
        found += [FoundResource("server", one.id, one.name, one.cluster_uuid) for one in machines]
        return [*found, *tagged]

    async def delete(self, project_id: str, cluster_uuid: str, network_stack: str | None, until: float) -> None:
        """Machines first, then the network, which they hold. Raises ProviderUnavailable when `until` comes before the end."""
        stacks = await self._heat.stacks(project_id, cluster_uuid)
        machines = [one for one in stacks if one.name != network_stack]
        await self._stacks(project_id, cluster_uuid, machines, until)
        await self._servers(project_id, cluster_uuid, until)
        await self._pods.forget(project_id, cluster_uuid, None)
        await self._stacks(project_id, cluster_uuid, [one for one in stacks if one.name == network_stack], until)
        await self._networks(project_id, cluster_uuid)

    async def _stacks(self, project_id: str, cluster_uuid: str, stacks: Sequence[Stack], until: float) -> None:
        """What fails to be deleted is tried once more, then worked around. Heat lists a stack for a moment as it was before."""
        asked: set[str] = set()
        left = list(stacks)
        while left:
            for stack in left:
                if stack.id in asked and stack.status != UNDEAD:
                    continue
                self._failed[stack.id] += stack.id in asked
                if self._failed[stack.id] > 1:
                    raise await self._worked_around(stack, until)
                asked.add(stack.id)
                await self._heat.delete(stack)
            if time.monotonic() > until:
                said = f"{len(left)} stacks are still being deleted, first {left[0].name}."
                raise ProviderUnavailable(said, after_s=2.0, hint=await self._blame(left[0]))
            await asyncio.sleep(_PAUSE_S)
            left = [one for one in await self._heat.stacks(project_id, cluster_uuid) if one.id in asked]
        for ident in asked:
            del self._failed[ident]

    async def _worked_around(self, stack: Stack, until: float) -> ProviderUnavailable:
        """What is in the stack is removed without Heat, as far as it lets itself; the next call has Heat delete what is left, and the
        stack. To be raised: it tells what became of each resource."""
        self._failed[stack.id] = 1  # Heat tries once more with what is left, however long that takes; then this again
        resources = await self._heat.resources(stack)
        reasons = "; ".join(f"{one.resource}: {one.reason}" for one in failed(resources)[:_SHOWN]) or stack.reason
        trouble = f"Stack {stack.name} cannot be deleted: {reasons.rstrip('. ') or 'Heat does not say why'}."
        if resources and not is_as_given(await self._heat.template(stack), stack.tags):
            # What another's template has in it may be made for others, or not for us to delete (`external_id`).
            return ProviderUnavailable(
                f"{trouble} It was changed by somebody else, so nothing in it is removed one by one.",
                after_s=5.0,
                hint="Remove by hand what holds it, or give it the template and tags that it had; the deletion goes on.",
            )
        pieces = await self._piecemeal.remove(stack, resources, until)
        if not pieces:
            return ProviderUnavailable(
                f"{trouble} There is nothing in it that can be removed without Heat.",
                after_s=5.0,
                hint="The log of Heat's engine says why; an operator of the cloud can mend it, and the deletion goes on.",
            )
        gone = sum(not one.held for one in pieces)
        return ProviderUnavailable(
            f"{trouble} {gone} of its {len(pieces)} resources were removed one by one.",
            after_s=1.0 if gone == len(pieces) else 5.0,
            hint=await self._blame(stack),
            log="\n".join(map(str, pieces)),
        )

    async def _servers(self, project_id: str, cluster_uuid: str, until: float) -> None:
        """Those that no stack knows of any more."""
        asked: set[str] = set()
        while left := await self._nova.machines(project_id, cluster_uuid):
            for machine in left:
                if machine.id not in asked:
                    await self._nova.delete(project_id, machine.id)
                    asked.add(machine.id)
            if time.monotonic() > until:
                raise ProviderUnavailable(
                    f"{len(left)} servers are still being deleted, first {left[0].name}.", after_s=2.0
                )
            await asyncio.sleep(_PAUSE_S)

    async def _networks(self, project_id: str, cluster_uuid: str) -> None:
        """Routers and networks with the cluster's tag that no stack took along."""
        for one in sorted(await self._neutron.tagged(project_id, cluster_uuid), key=lambda one: one.kind != "router"):
            if one.kind == "router":
                await self._neutron.detach(project_id, one.id)
            if not await self._neutron.delete(project_id, one.kind, one.id):
                raise ProviderUnavailable(
                    f"{one.kind} {one.name} is still in use.", after_s=5.0, hint=await self._holders(project_id, one.id)
                )

    async def _blame(self, stack: Stack) -> str:
        """The next move: foreign ports in the cluster's network hold it. Of a stack of machines, none."""
        if "." in stack.name:
            return ""
        tagged = await self._neutron.tagged(stack.project_id, stack.cluster_uuid)
        networks = [one for one in tagged if one.kind == "network"]
        return await self._holders(stack.project_id, networks[0].id) if networks else ""

    async def _holders(self, project_id: str, network_id: str) -> str:
        ports = await self._neutron.ports(project_id, network_id)
        foreign = [one for one in ports if not str(one.get("device_owner")).startswith("network:")]
        if not foreign:
            return ""
        names = ", ".join(
            f"port {one['id']}" + (f" of {one['device_id']}" if one.get("device_id") else "")
            for one in foreign[:_SHOWN]
        )
        return f"In the cluster's network there is still {names}: remove it, and the deletion goes on."
