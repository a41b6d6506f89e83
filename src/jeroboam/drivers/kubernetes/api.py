"""Talks to a kube-apiserver: the few calls that health, marks and drain need. Source: Kubernetes API reference, v1.34."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

import httpx

from ... import pki
from ...contracts import Access
from ...domain.errors import CoeRefused, CoeUnreachable

_CALL_S = 10.0
# What a second try does not change. Our certificate is of system:masters, whose rights need no RBAC: there is no "too early" for it.
_REFUSALS = {
    401: "The cluster does not know our certificate: were its CAs changed by hand?",
    403: "Something inside the cluster, such as an admission webhook, forbids it; look there.",
    422: "What was asked does not fit what is there; look at the object.",
}
_TOO_EARLY = "not yet ready to handle request"  # admission plugins of a server that has just started say so with 403
Json = dict[str, Any]


class Contexts:
    """TLS contexts of the clusters asked last. They are dear to make (2 ms) and health asks often."""

    def __init__(self, kept: int = 256) -> None:
        self._kept = kept
        self._made: dict[Access, SSLContext] = {}

    def of(self, access: Access) -> SSLContext:
        """The context of this access: the one made before, if it is still kept."""
        found = self._made.pop(access, None)
        if found is None:
            found = pki.client_context(access.ca_pem, access.cert_pem, access.key_pem)
            while len(self._made) >= self._kept:
                self._made.pop(next(iter(self._made)))
        self._made[access] = found  # last in the order: used last
        return found


class KubeApi:
    """One live cluster. Every call has a deadline and raises CoeUnreachable when the API server does not serve, and
    CoeRefused when it serves and says no for good."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def text(self, path: str) -> str:
        """A document that is no JSON, such as /readyz."""
        return (await self._send("GET", path)).text

    async def get(self, path: str, **query: str) -> Json:
        """A JSON document."""
        return dict((await self._send("GET", path, params=query)).json())

    async def find(self, path: str) -> Json | None:
        """A JSON document, or None when there is none."""
        answer = await self._send("GET", path, fine=(404,))
        return None if answer.status_code == 404 else dict(answer.json())

    async def items(self, path: str, **query: str) -> list[Json]:
        """The items of a list."""
        return list((await self.get(path, **query))["items"])

    async def patch(self, path: str, change: Json) -> bool:
        """A strategic merge; False when the object is gone."""
        headers = {"Content-Type": "application/strategic-merge-patch+json"}
        answer = await self._send("PATCH", path, json=change, headers=headers, fine=(404,))
        return answer.status_code != 404

    async def patch_as_seen(self, path: str, change: Json) -> bool:
        """A strategic merge of an object whose version the change names; False when it is another by now, or gone."""
        headers = {"Content-Type": "application/strategic-merge-patch+json"}
        answer = await self._send("PATCH", path, json=change, headers=headers, fine=(404, 409))
        return answer.is_success

    async def evict(self, namespace: str, pod: str) -> bool:
        """Ask a pod to leave; False while a disruption budget forbids it. Gone already is success."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
        answer = await self._send("POST", path, json=body, fine=(404, 429))
        return answer.status_code != 429

    async def delete(self, path: str, *, grace_s: int | None = None) -> None:
        """Delete; gone already is success."""
        query: Mapping[str, int] = {} if grace_s is None else {"gracePeriodSeconds": grace_s}
        await self._send("DELETE", path, params=query, fine=(404,))

    async def _send(self, method: str, path: str, *, fine: tuple[int, ...] = (), **more: Any) -> httpx.Response:
        try:
            answer = await self._client.request(method, path, **more)
        except (httpx.HTTPError, OSError) as error:
            text = str(error) or type(error).__name__
            raise CoeUnreachable(f"The API server at {self._client.base_url} does not answer: {text}.") from error
        if answer.is_success or answer.status_code in fine:
            return answer
        reason = " ".join(answer.text.split())[:200]
        said = f"The API server answers {method} {path} with {answer.status_code}: {reason}"
        if answer.status_code in _REFUSALS and _TOO_EARLY not in answer.text:
            raise CoeRefused(said, hint=_REFUSALS[answer.status_code])
        raise CoeUnreachable(said)


@asynccontextmanager
async def connect(access: Access, contexts: Contexts) -> AsyncIterator[KubeApi]:
    """The API of a live cluster, for some calls in a row. Proxies of this process's environment are not asked."""
    client = httpx.AsyncClient(
        base_url=access.api_address,
        verify=contexts.of(access),
        timeout=_CALL_S,
        trust_env=False,
        follow_redirects=False,
    )
    async with client:
        yield KubeApi(client)
