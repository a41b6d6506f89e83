"""Marks on nodes: what a patch changes, what it leaves alone, and that applying it twice changes nothing."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jeroboam.contracts import NodeMark
from jeroboam.domain.errors import CoeUnreachable
from jeroboam.drivers.kubernetes import marks
from jeroboam.drivers.kubernetes.api import KubeApi

GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
OWN = {"key": "tenant", "effect": "NoExecute", "timeAdded": "2026-01-02T03:04:05Z"}


def node(**parts: Any) -> dict[str, Any]:
    spec = {key: parts.pop(key) for key in ("taints", "providerID") if key in parts}
    return {"metadata": {"name": "n", "resourceVersion": "7", **parts}, "spec": spec}


def wish(labels: dict[str, str] | None = None, *taints: dict[str, str]) -> NodeMark:
    return NodeMark("n", "docker:///abc", labels or {}, taints)


def applied(seen: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """As the API server does with this kind of patch."""
    meta, spec = dict(seen["metadata"]), dict(seen["spec"])
    for part in ("labels", "annotations"):
        both = {**meta.get(part, {}), **change.get("metadata", {}).get(part, {})}
        meta[part] = {key: value for key, value in both.items() if value is not None}
    return {"metadata": meta, "spec": {**spec, **change.get("spec", {})}}


def test_a_new_node_gets_labels_taints_and_its_server_id_and_remembers_them() -> None:
    assert marks.plan(node(labels={"kubernetes.io/os": "linux"}), wish({"tier": "x"}, GPU)) == {
        "metadata": {
            "labels": {"tier": "x"},
            "annotations": {"jeroboam.io/marks": '{"labels": ["tier"], "taints": [["gpu", "NoSchedule"]]}'},
            "resourceVersion": "7",
        },
        "spec": {"taints": [GPU], "providerID": "docker:///abc"},
    }


def test_what_is_not_wished_any_more_goes_and_what_the_tenant_set_stays() -> None:
    ours = '{"labels": ["old", "tier"], "taints": [["gpu", "NoSchedule"]]}'
    seen = node(
        labels={"old": "1", "tier": "x", "mine": "2"},
        annotations={"jeroboam.io/marks": ours},
        taints=[OWN, GPU],
        providerID="docker:///other",
    )
    change = marks.plan(seen, wish({"tier": "y"}))
    assert change["metadata"]["labels"] == {"old": None, "tier": "y"}
    assert change["spec"] == {"taints": [OWN]}
    after = applied(seen, change)
    assert after["metadata"]["labels"] == {"tier": "y", "mine": "2"}


def test_a_taint_of_another_value_is_replaced_and_one_of_another_effect_is_another() -> None:
    seen = node(taints=[GPU, {**GPU, "effect": "NoExecute"}])
    change = marks.plan(seen, wish({}, {**GPU, "value": "no"}))
    assert change["spec"]["taints"] == [{**GPU, "effect": "NoExecute"}, {**GPU, "value": "no"}]


@pytest.mark.parametrize("nonsense", ["", "[]", "{", '{"labels": 3}', "null"])
def test_a_memory_that_cannot_be_read_removes_nothing(nonsense: str) -> None:
    seen = node(labels={"old": "1"}, taints=[OWN], annotations={"jeroboam.io/marks": nonsense})
    change = marks.plan(seen, wish())
    assert "labels" not in change["metadata"]
    assert "taints" not in change["spec"]


_KEYS = st.sampled_from(["a", "b", "c"])
_LABELS = st.dictionaries(_KEYS, st.sampled_from(["1", "2"]))
_TAINTS = st.dictionaries(
    st.tuples(_KEYS, st.sampled_from(["NoSchedule", "NoExecute"])), st.sampled_from(["", "x"])
).map(lambda d: [{"key": k, "value": v, "effect": e} if v else {"key": k, "effect": e} for (k, e), v in d.items()])


@given(own=_LABELS, own_taints=_TAINTS, wishes=st.lists(st.tuples(_LABELS, _TAINTS), min_size=1, max_size=3))
def test_any_row_of_wishes_ends_with_the_last_one_and_the_tenants_own(
    own: dict[str, str], own_taints: list[dict[str, str]], wishes: list[tuple[dict[str, str], list[dict[str, str]]]]
) -> None:
    seen = node(labels=own, taints=own_taints)
    wished: set[str] = set()
    for labels, taints in wishes:
        asked = wish(labels, *taints)
        seen = applied(seen, marks.plan(seen, asked))
        assert marks.plan(seen, asked) == {}
        wished |= set(labels)
    labels, taints = wishes[-1]
    shown = seen["metadata"]["labels"]
    assert {key: shown[key] for key in labels} == labels
    assert {key: value for key, value in own.items() if key not in wished}.items() <= shown.items()
    assert all(taint in seen["spec"]["taints"] for taint in taints)


class Server:
    """One node; the first `rivals` patches find that somebody else was faster."""

    def __init__(self, rivals: int) -> None:
        self.node, self.rivals, self.patches = node(), rivals, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(
                200, json={"items": [self.node]} if request.url.path.endswith("/nodes") else self.node
            )
        self.patches += 1
        if self.patches <= self.rivals:
            self.node["metadata"]["resourceVersion"] = str(self.patches)
            return httpx.Response(409)
        change = json.loads(request.content)
        assert change["metadata"]["resourceVersion"] == self.node["metadata"]["resourceVersion"]
        self.node = applied(self.node, change)
        return httpx.Response(200)

    async def mark(self, *wishes: NodeMark) -> None:
        client = httpx.AsyncClient(base_url="https://192.0.2.1:6443", transport=httpx.MockTransport(self))
        await marks.mark(KubeApi(client), wishes)


async def test_a_node_that_others_write_too_is_read_again() -> None:
    server = Server(rivals=2)
    await server.mark(wish({"tier": "x"}, GPU), NodeMark("unknown", "docker:///z"))
    assert server.node["metadata"]["labels"] == {"tier": "x"}
    assert (server.node["spec"]["taints"], server.patches) == ([GPU], 3)
    await server.mark(wish({"tier": "x"}, GPU))
    assert server.patches == 3


async def test_a_node_that_is_never_left_alone_is_a_thing_to_retry() -> None:
    with pytest.raises(CoeUnreachable, match="n is changed by others all the time"):
        await Server(rivals=99).mark(wish({"tier": "x"}))
