"""What nodes say: their signals, read for all nodes of a stack at once and kept for a moment, and Nova's console. One that waits
for the key of its first boot gets it.

A node signals until its first boot is done. Nova's console, a call for each node, is what it has to say later, and a silent one's.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ...bootstrap.console import marker, parse_console
from ...contracts import MachineState
from .boot_keys import NOT_ITS, BootKeys
from .heat import Heat
from .nova import Nova, Server
from .tags import machine_stack

_FRESH_S = 1.0  # signals of a cluster are read once in it, however many nodes are looked at
_QUIET_S = 30.0
_DONE = marker("done", "all")
_CONSOLE_S = 30.0  # between two looks at the console of one silent server


class Consoles:
    """Keeps the last look at each cluster; a loss costs a call."""

    def __init__(self, heat: Heat, nova: Nova, keys: BootKeys, quiet_s: float = _QUIET_S) -> None:
        """`quiet_s`: from the last signal, or from the boot of a silent one, until the console is asked for, too."""
        self._quiet_s = quiet_s
        self._done: dict[str, tuple[str, float]] = {}  # by name: the server, and since when it is known to have booted
        self._heat = heat
        self._keys = keys
        self._nova = nova
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._signals: dict[str, tuple[float, dict[str, str]]] = {}
        self._made: dict[str, tuple[float, dict[str, str]]] = {}
        self._consoles: dict[str, tuple[float, str]] = {}

    async def text(self, project_id: str, named: Sequence[Server], lines: int) -> str:
        """What is known of the console of the first of these servers, which all bear one machine's name."""
        server = named[0]
        known = self._done.get(server.name, ("", 0.0))[0] == server.id or self._keys.has_booted(server)
        said = _DONE if known else await self._report(project_id, named)
        if said == NOT_ITS or (not said and not self._is_new(server)) or self._is_long_done(server, said):
            said = "\n".join(filter(None, (await self._console(project_id, server.id, lines), said)))
        return "\n".join(said.splitlines()[-lines:])

    async def _report(self, project_id: str, named: Sequence[Server]) -> str:
        """What a node says that is not known to have booted; it is helped on."""
        server, stack = named[0], machine_stack(named[0].name)
        said = self._keys.heard(server, (await self._of_stack(project_id, stack)).get(server.id, ""))
        if parse_console(said).done:
            await self._keys.remember(project_id, server)
        elif self._keys.is_due(server, said) and await self._is_made_by_us(project_id, stack, named):
            await self._keys.give(project_id, server)
        return said

    async def _is_made_by_us(self, project_id: str, stack: str, named: Sequence[Server]) -> bool:
        """Names and metadata are written by members of the project; what Heat made for the machine, and nobody else of its name, is it."""
        living = [server for server in named if server.state is not MachineState.DELETING]
        return len(living) == 1 and (await self._made_in(project_id, stack)).get(living[0].name) == living[0].id

    def _is_new(self, server: Server) -> bool:
        """It cannot have said anything yet: a look at the console of each would be a call for each node of every cluster. What begins
        in the future by our clock is not new: one of two clocks is wrong, and a call too many beats a silence."""
        if server.began_at is None:
            return False
        return timedelta(0) <= datetime.now(UTC) - server.began_at < timedelta(seconds=self._quiet_s)

    def _is_long_done(self, server: Server, said: str) -> bool:
        """A boot that just ended is read once, of all nodes of a cluster at a time: nothing more is asked of them then."""
        if not parse_console(said).done:
            return False
        known, since = self._done.get(server.name, ("", 0.0))
        if known != server.id:
            self._done[server.name] = server.id, time.monotonic()
            return False
        return time.monotonic() - since >= self._quiet_s

    def forget(self, cluster_uuid: str) -> None:
        """The cluster is gone."""
        mark = f"-{cluster_uuid.replace('-', '')[:8]}-"
        for name in [name for name in self._signals if mark in name]:
            del self._signals[name]
            self._made.pop(name, None)
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

    async def _made_in(self, project_id: str, name: str) -> dict[str, str]:
        async with self._locks[name]:
            when, found = self._made.get(name, (float("-inf"), {}))
            if time.monotonic() - when > _FRESH_S:
                stack = await self._heat.stack(project_id, name)
                found = dict(await self._heat.made(stack)) if stack else {}
                self._made[name] = (time.monotonic(), found)
            return found

    async def _console(self, project_id: str, server_id: str, lines: int) -> str:
        when, said = self._consoles.get(server_id, (float("-inf"), ""))
        if time.monotonic() - when > _CONSOLE_S:
            said = await self._nova.console(project_id, server_id, lines)
            self._consoles = {
                key: kept for key, kept in self._consoles.items() if time.monotonic() - kept[0] < _CONSOLE_S
            } | {server_id: (time.monotonic(), said)}
        return said
