"""Talks to a kube-apiserver: the few calls that health, marks and drain need. Source: Kubernetes API reference, v1.34."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar

from ..live_api import Json, LiveApi


class KubeApi(LiveApi):
    """One live cluster."""

    called = "The API server"
    # What a second try does not change. Our certificate is of system:masters, whose rights need no RBAC: there is no "too early" for it.
    refusals: ClassVar[Mapping[int, str]] = {
        **LiveApi.refusals,
        403: "Something inside the cluster, such as an admission webhook, forbids it; look there.",
        422: "What was asked does not fit what is there; look at the object.",
    }
    too_early = "not yet ready to handle request"  # admission plugins of a server that has just started say so with 403

    async def readiness(self) -> tuple[bool, str, datetime | None]:
        """Whether /readyz says ok, what it says, and what time the server has."""
        answer = await self._send("GET", "/readyz", fine=(500,))
        return answer.is_success and answer.text == "ok", answer.text, _date(answer.headers.get("Date", ""))

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

    async def create(self, path: str, body: Json) -> None:
        """Make an object in the collection `path`; there already is success."""
        await self._send("POST", path, json=body, fine=(409,))

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


def _date(header: str) -> datetime | None:
    """Source: RFC 9110, section 6.6.1."""
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return date if date.tzinfo else None
