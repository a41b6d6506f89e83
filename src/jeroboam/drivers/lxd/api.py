"""Talks to the LXD API of a cluster: the few calls that health and evacuation need. Source: LXD 5.0 REST API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from ... import pki
from ...contracts import Access
from ...domain.errors import CoeUnreachable

_CALL_S = 10.0
Json = dict[str, Any]


class LxdApi:
    """One live cluster. Every call has a deadline and raises CoeUnreachable when it does not serve."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

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

    async def _send(self, method: str, path: str, *, fine: Sequence[int] = (), **more: Any) -> httpx.Response:
        try:
            answer = await self._client.request(method, path, **more)
        except (httpx.HTTPError, OSError) as error:
            text = str(error) or type(error).__name__
            raise CoeUnreachable(f"The LXD API at {self._client.base_url} does not answer: {text}.") from error
        if answer.is_success or answer.status_code in fine:
            return answer
        reason = " ".join(answer.text.split())[:200]
        raise CoeUnreachable(f"The LXD API answers {method} {path} with {answer.status_code}: {reason}")


@asynccontextmanager
async def connect(access: Access) -> AsyncIterator[LxdApi]:
    """The API of a live cluster, for some calls in a row. Proxies of this process's environment are not asked."""
    context = pki.client_context(access.ca_pem, access.cert_pem, access.key_pem)
    client = httpx.AsyncClient(base_url=access.api_address, verify=context, timeout=_CALL_S, trust_env=False)
    async with client:
        yield LxdApi(client)
