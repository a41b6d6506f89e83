"""All machines of the inventory at once: who holds which, and the next free one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jeroboam.domain.errors import HostUnsupported, ProviderRefused, ProviderUnavailable

from .choice import Need, candidates, described
from .inventory import Entry
from .lease import Lease
from .machine import Machine


@dataclass(frozen=True)
class Seen:
    """A machine and who holds it. `away`: why it does not answer now, "" when it does; then the lease is the last one seen."""

    machine: Machine
    lease: Lease
    away: str = ""

    @property
    def entry(self) -> Entry:
        return self.machine.entry


class Fleet:
    """What was last seen of a machine is remembered for as long as it does not answer, and for nothing else."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._machines = {entry.name: Machine(entry) for entry in entries}
        self._known: dict[str, Lease | None] = {}
        self._away: set[str] = set()
        self._choosing = asyncio.Lock()

    async def close(self) -> None:
        for machine in self._machines.values():
            await machine.close()

    async def check(self) -> None:
        """A machine that is off may come later; one that is not who it should be, or lacks what nodes need, stops the start.
        Raises HostUnsupported, or ProviderUnavailable when none answers."""
        found = await asyncio.gather(*(self._check(machine) for machine in self._machines.values()))
        if found and all(found):
            raise ProviderUnavailable(f"No machine of the inventory answers: {found[0]}", hint="Start them.")

    async def _check(self, machine: Machine) -> str:
        try:
            await machine.check()
        except ProviderUnavailable as error:
            return error.message
        except ProviderRefused as error:
            raise HostUnsupported(error.message, hint=error.hint) from error
        return ""

    async def held(self) -> list[Seen]:
        """The machines that any cluster holds. One that cannot be asked is what it was when it last could; one that never could raises
        why: ProviderUnavailable, or ProviderRefused."""
        leases = await asyncio.gather(*(self._look(machine) for machine in self._machines.values()))
        return [seen for seen in leases if seen is not None]

    async def _look(self, machine: Machine) -> Seen | None:
        name = machine.entry.name
        try:
            lease = await machine.look()
        except (ProviderUnavailable, ProviderRefused) as error:
            if name not in self._known:
                raise
            self._away.add(name)
            last = self._known[name]
            return Seen(machine, last, error.message) if last else None
        self._away.discard(name)
        self._known[name] = lease
        return Seen(machine, lease) if lease else None

    def remembered(self, cluster_uuid: str, node: str) -> Seen | None:
        """The machine that was last seen to be this node."""
        for name, lease in self._known.items():
            if lease and lease.cluster == cluster_uuid and lease.node and lease.node.name == node:
                return Seen(self._machines[name], lease)
        return None

    def free(self, held: Sequence[Seen]) -> list[Entry]:
        """The machines that answer and that nobody holds."""
        taken = {seen.entry.name for seen in held} | self._away
        return [machine.entry for name, machine in self._machines.items() if name not in taken]

    async def take(self, need: Need, lease: Lease) -> Seen:
        """Hold a free machine that fits. Raises ProviderRefused when there is none."""
        async with self._choosing:  # other processes are kept away by the machines themselves
            for entry in candidates(need, self.free(await self.held())):
                machine = self._machines[entry.name]
                if await machine.claim(lease):
                    self._known[entry.name] = lease
                    return Seen(machine, lease)
        raise ProviderRefused(
            f"{described([need])[0]}.", hint="Add machines to the inventory, or delete a cluster that is not needed."
        )

    async def change(self, seen: Seen, lease: Lease) -> Seen:
        """The same machine, held for something else."""
        await seen.machine.change(seen.lease, lease)
        self._known[seen.entry.name] = lease
        return Seen(seen.machine, lease)
