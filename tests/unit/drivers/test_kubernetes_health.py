"""What a live cluster says of itself: here, of services that do not run on all nodes though no pod says why."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx

from jeroboam.contracts import CoeHealth
from jeroboam.domain.errors import ErrorClass
from jeroboam.drivers.kubernetes import health
from jeroboam.drivers.kubernetes.api import KubeApi

_NODE = {
    "metadata": {"name": "w-0"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.34.4"}},
}


def answer(request: httpx.Request) -> httpx.Response:
    """An API server with one node, on which nothing runs yet."""
    found = {"/api/v1/nodes": {"items": [_NODE]}, "/version": {"gitVersion": "v1.34.4"}}
    if request.url.path == "/readyz":
        return httpx.Response(200, text="ok")
    if request.url.path.endswith("/pods"):
        return httpx.Response(200, json={"items": []})
    return httpx.Response(200, json=found.get(request.url.path, {"status": {"numberReady": 0}}))


async def look() -> CoeHealth:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://api") as client:
        return await health.look(KubeApi(client), (), datetime.now(UTC))


async def test_what_may_only_need_seconds_is_nobodys_move_and_says_where_to_look_if_it_lasts() -> None:
    seen = await look()
    assert (seen.reason, seen.move) == ("kube-proxy runs on 0 of 1 nodes", ErrorClass.TRANSIENT)
    assert "`kubectl -n kube-system describe pods -l k8s-app=kube-proxy`" in seen.hint
