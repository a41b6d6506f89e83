"""Talks to the LXD API of a cluster: the few calls that health and evacuation need. Source: LXD 5.0 REST API."""

from __future__ import annotations

from typing import Any

from ..live_api import Json, LiveApi


class LxdApi(LiveApi):
    """One live cluster."""

    called = "The LXD API"

    async def server(self) -> Json:
        """What the member that answers says of itself."""
        return dict(await self._sync("GET", "/1.0"))

    async def members(self) -> list[Json]:
        """All members with their state."""
        return list(await self._sync("GET", "/1.0/cluster/members", params={"recursion": "1"}))

    async def evacuate(self, name: str) -> str:
        """Begin; returns the operation, or "" when the member is evacuated already."""
        answer = await self._send(
            "POST", f"/1.0/cluster/members/{name}/state", fine=(400,), json={"action": "evacuate"}
        )
        return "" if answer.status_code == 400 else str(answer.json()["operation"])

    async def operation(self, path: str) -> Json:
        """How far a background operation is. `status_code` 200 is success, 400 failure, less than 200 goes on."""
        return dict(await self._sync("GET", path))

    async def remove_member(self, name: str, *, force: bool) -> str:
        """Strike a member off; gone already is success. Returns why LXD will not, "" when it did."""
        path, query = f"/1.0/cluster/members/{name}", {"force": str(int(force))}
        answer = await self._send("DELETE", path, fine=(400, 404), params=query)
        return str(answer.json().get("error", "")) if answer.status_code == 400 else ""

    async def _sync(self, method: str, path: str, **more: Any) -> Any:
        return (await self._send(method, path, **more)).json()["metadata"]
