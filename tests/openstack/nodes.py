"""Nodes for a cloud whose servers boot nothing: an administrator reads what each server was given and reports as its node would."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from types import TracebackType
from typing import Any

from tests.unit.providers.openstack.node import boot

from jeroboam.providers.openstack import report

_LOOK_S = 0.5
_VERSION = {"OpenStack-API-Version": "compute 2.3"}  # from which on an administrator sees user data


class Nodes:
    """While it is entered, every new server of a cluster of ours reports, by the code of the nodes themselves, once."""

    def __init__(self, connection: Any) -> None:
        """`connection`: openstacksdk, as the cloud's administrator."""
        self._compute = connection.compute
        self._known: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Nodes:
        self._known = {server["id"] for server in await asyncio.to_thread(self._servers)}
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            for server in await asyncio.to_thread(self._servers):
                if server["id"] not in self._known and server["status"] == "ACTIVE":
                    self._known.add(server["id"])
                    await asyncio.to_thread(_report, server)
            await asyncio.sleep(_LOOK_S)

    def _servers(self) -> list[dict[str, Any]]:
        answer = self._compute.get("/servers/detail", params={"all_tenants": "1"}, headers=_VERSION)
        found = answer.json().get("servers") or []  # none while Nova is away: a later look sees them
        return [one for one in found if "jeroboam_cluster" in one["metadata"]]


def _report(server: dict[str, Any]) -> None:
    way, said = boot(base64.b64decode(server["OS-EXT-SRV-ATTR:user_data"]).decode())
    report.tell(way, server["id"], said, tries=3)
