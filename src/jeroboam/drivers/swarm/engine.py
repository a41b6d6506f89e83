"""Talks to the Docker API of a manager: the few calls that health, marks and drain need. Source: Docker Engine API v1.41."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from ... import pki
from ...contracts import Access
from ...domain.errors import CoeUnreachable

_CALL_S = 10.0
_API = "/v1.41"
Json = dict[str, Any]


class Engine:
    """One live swarm. Every call has a deadline and raises CoeUnreachable when the manager does not serve."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def info(self) -> Json:
        """What the manager says of itself."""
        return dict((await self._send("GET", "/info")).json())

    async def nodes(self) -> list[Json]:
        """All members, also those that are gone and were not struck off."""
        return list((await self._send("GET", "/nodes")).json())

    async def tasks(self, node: str) -> list[Json]:
        """What is to run on a node."""
        wanted = json.dumps({"node": [node], "desired-state": ["running", "accepted"]})
        return list((await self._send("GET", "/tasks", params={"filters": wanted})).json())

    async def update_node(self, node: Json, spec: Mapping[str, Any]) -> bool:
        """Change a node's wish; False when it is gone."""
        query = {"version": node["Version"]["Index"]}
        answer = await self._send(
            "POST", f"/nodes/{node['ID']}/update", fine=(404,), params=query, json={**node["Spec"], **spec}
        )
        return answer.status_code != 404

    async def remove_node(self, node: str) -> None:
        """Strike a node off; gone already is success."""
        await self._send("DELETE", f"/nodes/{node}", fine=(404,), params={"force": "1"})

    async def rotate_tokens(self) -> None:
        """New join tokens: the old ones make nobody a member any more. Who is one stays one."""
        swarm = (await self._send("GET", "/swarm")).json()
        query = {"version": swarm["Version"]["Index"], "rotateWorkerToken": "1", "rotateManagerToken": "1"}
        await self._send("POST", "/swarm/update", params=query, json=swarm["Spec"])

    async def _send(self, method: str, path: str, *, fine: Sequence[int] = (), **more: Any) -> httpx.Response:
        try:
            answer = await self._client.request(method, _API + path, **more)
        except (httpx.HTTPError, OSError) as error:
            text = str(error) or type(error).__name__
            raise CoeUnreachable(f"The Docker API at {self._client.base_url} does not answer: {text}.") from error
        if answer.is_success or answer.status_code in fine:
            return answer
        reason = " ".join(answer.text.split())[:200]
        raise CoeUnreachable(f"The Docker API answers {method} {path} with {answer.status_code}: {reason}")


@asynccontextmanager
async def connect(access: Access) -> AsyncIterator[Engine]:
    """The API of a live swarm, for some calls in a row. Proxies of this process's environment are not asked."""
    context = pki.client_context(access.ca_pem, access.cert_pem, access.key_pem)
    url = "https://" + access.api_address.removeprefix("tcp://")
    async with httpx.AsyncClient(base_url=url, verify=context, timeout=_CALL_S, trust_env=False) as client:
        yield Engine(client)
