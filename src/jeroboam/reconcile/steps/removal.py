"""Step "remove": machines that nobody asks for any more leave their cluster, then go."""

from __future__ import annotations

from ...contracts import Access, GroupStatus, Machine, MachineRebuilder, StatefulDriver, StatusChange
from ...domain.errors import CoeUnreachable, ProviderRefused
from ..scope import DONE, Outcome, Scope


class Removal:
    """One machine after the other, so that the cluster can move its work."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.plan is None:
            raise RuntimeError("steps out of order: removal needs the machine plan")
        for machine in scope.plan.remove:
            async with scope.timeline.step("remove", machine.name):
                await take_out(scope, machine, at=("remove", machine.name))
        await _forget_named(scope)
        await _close_ledger(scope, {spec.name for spec in scope.plan.wanted} | scope.passed_over)
        for group in scope.groups:
            if group.deleting:
                await scope.store.finish_group(group.uuid, scope.fence)
        return DONE


async def _forget_named(scope: Scope) -> None:
    """What was named for removal is gone: its ids are not kept."""
    gone = {group.uuid: GroupStatus(removed=group.remove_nodes) for group in scope.groups if group.remove_nodes}
    if gone:
        await scope.store.write_status(scope.cluster.uuid, scope.fence, StatusChange(groups=gone))


async def _close_ledger(scope: Scope, wanted: set[str]) -> None:
    """Close the rows of machines that are gone: also of those that an earlier run deleted before it died."""
    rows = await scope.store.open_resources(scope.cluster.uuid)
    gone = [(row.kind, row.name) for row in rows if row.kind == "machine" and row.name not in wanted]
    if gone:
        await scope.store.close_resources(scope.cluster.uuid, scope.fence, gone)


async def take_out(scope: Scope, machine: Machine, *, at: tuple[str, str]) -> None:
    """Drain a machine, or strike off one that is dead, then delete it, whoever holds it. Raises what `release` and `delete` raise."""
    await release(scope, machine, at=at)
    await delete(scope, machine, at=at)


async def set_aside(scope: Scope, machine: Machine, *, at: tuple[str, str]) -> None:
    """Let its node step aside, then unmake it, so that it is made anew around its state. Raises ProviderRefused where the provider
    makes none so any more: it was refused before it was stored, but a provider may be changed since."""
    driver, provider = scope.driver, scope.provider
    if not isinstance(driver, StatefulDriver) or not isinstance(provider, MachineRebuilder):
        raise ProviderRefused(f"The provider {provider.name} makes no machine anew around its state.")
    work = driver.set_aside(machine, needed_access(scope, machine))
    await scope.asked(f"set_aside {machine.name}", work, at=at)
    await unmake(scope, provider, machine, at=at)


async def unmake(scope: Scope, provider: MachineRebuilder, machine: Machine, *, at: tuple[str, str]) -> None:
    """Leave its state for the next machine of its name."""
    async with scope.turn():
        work = provider.unmake_machine(scope.cluster.uuid, machine.name)
        await scope.called(f"unmake_machine {machine.name}", work, at=at)


async def release(scope: Scope, machine: Machine, *, at: tuple[str, str]) -> None:
    """Drain a machine, or say why not. Raises CoeUnreachable and what the driver raises."""
    work = scope.driver.release(machine, needed_access(scope, machine))
    await scope.asked(f"release {machine.name}", work, at=at)


async def delete(scope: Scope, machine: Machine, *, at: tuple[str, str]) -> None:
    """Delete it at the provider. A turn is held meanwhile."""
    async with scope.turn():
        work = scope.provider.delete_machine(scope.cluster.uuid, machine.name)
        await scope.called(f"delete_machine {machine.name}", work, at=at)


def needed_access(scope: Scope, machine: Machine) -> Access:
    """The way into the cluster, without which the machine cannot be drained. Raises CoeUnreachable."""
    access = scope.access()
    if access is None:
        raise CoeUnreachable(
            f"{machine.name} cannot be drained: the cluster's API is not reachable from here.",
            hint="Give the cluster an address that the service reaches.",
        )
    return access
