"""What nodes say: their signals, read for all nodes of a stack at once and kept for a moment, and Nova's console. One that waits
for the key of its first boot gets it.

A node signals until its first boot is done. Nova's console, a call for each node, is what it has to say later, and a silent one's.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

from ...bootstrap.console import parse_console
from ...contracts import Machine
from .boot_keys import NOT_ITS, BootKeys
from .heat import Heat
from .nova import Nova
from .tags import machine_stack

_FRESH_S = 1.0  # signals of a cluster are read once in it, however many nodes are looked at
_QUIET_S = 30.0
_CONSOLE_S = 30.0  # between two looks at the console of one silent server


class Consoles:
    """Keeps the last look at each cluster; a loss costs a call."""

    def __init__(self, heat: Heat, nova: Nova, keys: BootKeys, quiet_s: float = _QUIET_S) -> None:
        """`quiet_s`: from the last signal until the console is asked for, too."""
        self._quiet_s = quiet_s
        self._done: dict[str, tuple[str, float]] = {}  # by name: the server, and since when it is known to have booted
        self._heat = heat
        self._keys = keys
        self._nova = nova
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._signals: dict[str, tuple[float, dict[str, str]]] = {}
        self._consoles: dict[str, tuple[float, str]] = {}

    async def text(self, project_id: str, machine: Machine, lines: int) -> str:
        """What is known of the machine's console."""
        signal = (await self._of_stack(project_id, machine_stack(machine.name))).get(machine.id, "")
        said = self._keys.heard(machine, signal)
        await self._keys.give(project_id, machine, said)
        if said in ("", NOT_ITS) or self._is_long_done(machine, said):
            said = "\n".join(filter(None, (await self._console(project_id, machine.id, lines), said)))
        return "\n".join(said.splitlines()[-lines:])

    def _is_long_done(self, machine: Machine, said: str) -> bool:
        """A boot that just ended is read once, of all nodes of a cluster at a time: nothing more is asked of them then."""
        if not parse_console(said).done:
            return False
        server, since = self._done.get(machine.name, ("", 0.0))
        if server != machine.id:
            self._done[machine.name] = machine.id, time.monotonic()
            return False
        return time.monotonic() - since >= self._quiet_s

    def forget(self, cluster_uuid: str) -> None:
        """The cluster is gone."""
        mark = f"-{cluster_uuid.replace('-', '')[:8]}-"
        for name in [name for name in self._signals if mark in name]:
            del self._signals[name]
            self._locks.pop(name, None)
        for name in [name for name in self._done if mark in name]:
            del self._done[name]

    async def _of_stack(self, project_id: str, name: str) -> dict[str, str]:
        async with self._locks[name]:
            when, found = self._signals.get(name, (float("-inf"), {}))
            if time.monotonic() - when > _FRESH_S:
                stack = await self._heat.stack(project_id, name)
                found = dict(await self._heat.signals(stack)) if stack else {}
                self._signals[name] = (time.monotonic(), found)
            return found

    async def _console(self, project_id: str, server_id: str, lines: int) -> str:
        when, said = self._consoles.get(server_id, (float("-inf"), ""))
        if time.monotonic() - when > _CONSOLE_S:
            said = await self._nova.console(project_id, server_id, lines)
            self._consoles = {
                key: kept for key, kept in self._consoles.items() if time.monotonic() - kept[0] < _CONSOLE_S
            } | {server_id: (time.monotonic(), said)}
        return said
