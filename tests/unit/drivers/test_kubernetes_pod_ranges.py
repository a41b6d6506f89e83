"""Which node has which pods, as the live cluster says."""

import httpx

from jeroboam.drivers.kubernetes import pod_ranges
from jeroboam.drivers.kubernetes.api import KubeApi

_NODES = [
    {"metadata": {"name": "w-0"}, "spec": {"podCIDR": "10.100.1.0/24"}},
    {"metadata": {"name": "w-1"}, "spec": {}},  # it has joined, and was given none yet
]


async def test_nodes_without_a_part_are_left_out() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v1/nodes"
        return httpx.Response(200, json={"items": _NODES})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://api") as client:
        assert await pod_ranges.look(KubeApi(client)) == {"w-0": "10.100.1.0/24"}
