"""Nodes for a cloud whose servers boot nothing: an administrator reads what each server was given, and does in its name what its node
would: shows a public key to the metadata service, waits for the key of its boot, and reports."""

from __future__ import annotations

import asyncio
import base64
import hmac
import urllib.request
from contextlib import suppress
from types import TracebackType
from typing import Any

from tests.unit.providers.openstack.node import Node
from tests.unit.providers.openstack.windows_node import WindowsNode, node_of

from jeroboam.providers.openstack import report

from .testbed import Bed

_LOOK_S = 0.5
_VERSION = {"OpenStack-API-Version": "compute 2.3"}  # from which on an administrator sees user data


class Nodes:
    """While it is entered, every new server of a cluster of ours reports, by the code of the nodes themselves, once."""

    def __init__(self, bed: Bed) -> None:
        self._compute = bed.connect(bed.admin).compute
        self._bed = bed
        self._known: set[str] = set()
        self._waiting: dict[str, Node | WindowsNode] = {}
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
            await asyncio.gather(*map(self._step, await asyncio.to_thread(self._servers)))
            await asyncio.sleep(_LOOK_S)

    async def _step(self, server: dict[str, Any]) -> None:
        """As nodes do, side by side."""
        if server["id"] not in self._known and server["status"] == "ACTIVE":
            self._known.add(server["id"])
            await asyncio.to_thread(self._begin, server)
        elif server["id"] in self._waiting:
            await asyncio.to_thread(self._end, server)

    def _begin(self, server: dict[str, Any]) -> None:
        node = node_of(base64.b64decode(server["OS-EXT-SRV-ATTR:user_data"]).decode())
        show(self._bed, server, node.shown.encode())
        report.tell(node.way, server["id"], node.asks, tries=3)
        self._waiting[server["id"]] = node

    def _end(self, server: dict[str, Any]) -> None:
        node = self._waiting[server["id"]]
        said = node.ends(server["metadata"].get("jeroboam_key", ""))
        if said:
            report.tell(node.way, server["id"], node.tagged(server["id"], said), tries=3)
            del self._waiting[server["id"]]

    def _servers(self) -> list[dict[str, Any]]:
        answer = self._compute.get("/servers/detail", params={"all_tenants": "1"}, headers=_VERSION)
        found = answer.json().get("servers") or []  # none while Nova is away: a later look sees them
        return [one for one in found if "jeroboam_cluster" in one["metadata"]]


def show(bed: Bed, server: dict[str, Any], what: bytes) -> None:
    """To the metadata service, as Neutron's agent passes it on: which server it is from is signed with the secret that both know."""
    signed = hmac.digest(bed.password.encode(), server["id"].encode(), "sha256").hex()
    headers = {
        "X-Instance-ID": server["id"],
        "X-Tenant-ID": server["tenant_id"],
        "X-Instance-ID-Signature": signed,
        "X-Forwarded-For": "10.0.0.1",
    }
    url = f"http://{bed.api}:8775/openstack/latest/password"
    with urllib.request.urlopen(urllib.request.Request(url, what, headers, method="POST"), timeout=20):
        pass
