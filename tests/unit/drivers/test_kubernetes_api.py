"""The few calls to a kube-apiserver: what is retried, what is final, what is kept of a cluster's keys."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from jeroboam import pki
from jeroboam.contracts import Access
from jeroboam.domain.errors import CoeRefused, CoeUnreachable
from jeroboam.drivers.kubernetes import drain
from jeroboam.drivers.kubernetes.api import KubeApi
from jeroboam.drivers.live_api import Contexts


def answering(status: int, text: str = "no") -> KubeApi:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, text=text))
    return KubeApi(httpx.AsyncClient(base_url="https://192.0.2.1:6443", transport=transport))


def access(name: str = "a") -> Access:
    now = datetime.now(UTC)
    authority = pki.new_authority(name, "cluster", now)
    cert, key = pki.client_certificate(authority, "admin", ["system:masters"], now, timedelta(hours=1))
    return Access("https://192.0.2.1:6443", authority.cert_pem, cert, key)


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "does not know our certificate"), (403, "forbids it"), (422, "does not fit")],
)
async def test_a_plain_no_is_final_and_says_whose_no_it_is(status: int, hint: str) -> None:
    with pytest.raises(CoeRefused) as caught:
        await answering(status, "because\n of it").get("/api/v1/nodes")
    assert caught.value.message == f"The API server answers GET /api/v1/nodes with {status}: because of it"
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("status", "text"),
    [(500, "oops"), (503, "starting"), (429, "slowly"), (403, "pods is forbidden: not yet ready to handle request")],
)
async def test_what_passes_is_retried(status: int, text: str) -> None:
    with pytest.raises(CoeUnreachable, match=f"with {status}"):
        await answering(status, text).get("/api/v1/nodes")


@pytest.mark.parametrize(("status", "written"), [(200, True), (404, False), (409, False)])
async def test_a_patch_of_what_was_seen_says_whether_it_was_still_so(status: int, written: bool) -> None:
    assert await answering(status).patch_as_seen("/api/v1/nodes/n", {}) is written


def test_contexts_are_made_once_and_the_longest_unused_one_goes_first() -> None:
    contexts = Contexts(kept=2)
    a, b, c = access("a"), access("b"), access("c")
    first, second = contexts.of(a), contexts.of(b)
    assert contexts.of(a) is first
    contexts.of(c)  # b goes
    assert contexts.of(a) is first
    assert contexts.of(b) is not second


async def test_a_dead_node_that_is_still_called_ready_is_struck_off_without_asking_its_pods_to_leave() -> None:
    sent: list[tuple[str, str]] = []
    pods = [{"metadata": {"name": "web", "namespace": "default"}, "status": {"phase": "Running"}}]
    node = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path))
        if request.url.path == "/api/v1/pods":
            return httpx.Response(200, json={"items": pods})
        if request.method == "DELETE":
            pods.clear()
        return httpx.Response(200, json=node)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://api") as client:
        await drain.release(KubeApi(client), "worker-0", dead=True, limit_s=5)
    changed = [one for one in sent if one[0] not in ("GET", "PATCH")]
    assert changed == [("DELETE", "/api/v1/namespaces/default/pods/web"), ("DELETE", "/api/v1/nodes/worker-0")]
