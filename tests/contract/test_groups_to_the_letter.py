"""Section 2.6: every field of a node group, what POST leaves out, what PATCH may touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .wire import WRONG, add, detail, remove, replace

if TYPE_CHECKING:
    from tests.api.conftest import Api

GROUPS = "/v1/clusters/demo/nodegroups"
SHORT = (
    "uuid name flavor_id image_id node_count role is_default stack_id status min_node_count max_node_count merge_labels"
)
MORE = (
    "id cluster_id project_id docker_volume_size labels labels_overridden labels_added labels_skipped node_labels node_taints "
    "node_addresses status_reason version links created_at updated_at"
)
NOT_YET = "id status status_reason stack_id node_addresses is_default version created_at updated_at"
INTERNAL = (
    "id uuid name cluster_id project_id docker_volume_size labels flavor_id image_id node_addresses node_count role "
    "is_default stack_id status status_reason version links created_at updated_at merge_labels colour"
)


@pytest.fixture
async def api(member: Api, demo: str) -> Api:
    """A member at the first version with node groups, beside a finished cluster "demo"."""
    return member.at("1.9")


async def test_the_keys_of_every_view(api: Api) -> None:
    full = set(f"{SHORT} {MORE}".split())
    assert set((await api.get(GROUPS)).json()["nodegroups"][0]) == set(SHORT.split())
    assert set((await api.get(f"{GROUPS}/default-worker")).json()) == full
    answer = await api.post(GROUPS, {"name": "n"})
    assert (answer.status_code, set(answer.json())) == (202, full - set(NOT_YET.split()))
    answer = await api.patch(f"{GROUPS}/n", [])
    assert (answer.status_code, set(answer.json())) == (202, full)


async def test_defaults(api: Api) -> None:
    made = (await api.post(GROUPS, {"name": "n"})).json()
    names = "node_count min_node_count max_node_count role flavor_id image_id docker_volume_size labels node_labels node_taints"
    assert [made[name] for name in names.split()] == [
        1,
        0,
        None,
        "worker",
        None,
        "fake-image",
        None,
        {"a": "b"},
        {},
        [],
    ]


async def test_what_is_taken_without_effect(api: Api) -> None:
    ignored = {
        "id": 99,
        "is_default": True,
        "uuid": "x",
        "status": "CREATE_COMPLETE",
        "version": "v9",
        "cluster_id": "x",
    }
    assert (await api.post(GROUPS, {"name": "n", **ignored})).status_code == 202
    shown = (await api.get(f"{GROUPS}/n")).json()
    assert (shown["is_default"], shown["status"], shown["version"]) == (False, "CREATE_IN_PROGRESS", None)
    assert shown["id"] != 99
    assert "x" not in (shown["uuid"], shown["cluster_id"])


@pytest.mark.parametrize(
    ("field", "least"), [("node_count", 0), ("min_node_count", 0), ("max_node_count", 0), ("docker_volume_size", 1)]
)
async def test_numbers(api: Api, field: str, least: int) -> None:
    assert (await api.post(GROUPS, {"name": "n", field: least})).status_code == 202
    answer = await api.post(GROUPS, {"name": "m", field: least - 1})
    assert detail(answer) == f"{WRONG}{field}. Value: '{least - 1}'. Value should be greater or equal to {least}"


@pytest.mark.parametrize("field", ["name", "role", "flavor_id", "image_id"])
async def test_texts(api: Api, field: str) -> None:
    for value, reason in (
        ("", "Value should have a minimum character requirement of 1"),
        ("x" * 256, "Value should have a maximum character requirement of 255"),
        (5, "Wrong type. Expected '<class 'str'>', got '<class 'int'>'"),
    ):
        answer = await api.post(GROUPS, {"name": "n", field: value})
        assert detail(answer) == f"{WRONG}{field}. Value: '{str(value)[:200]}'. {reason}"


@pytest.mark.parametrize("field", INTERNAL.split())
async def test_a_patch_touches_four_things_only(api: Api, field: str) -> None:
    for change in (replace(f"/{field}", "x"), add(f"/{field}", "x"), remove(f"/{field}")):
        answer = await api.patch(f"{GROUPS}/default-worker", [change])
        text = f"'/{field}' is an internal attribute and can not be updated"
        assert (answer.status_code, detail(answer)) == (400, text)


@pytest.mark.parametrize(("change", "field", "value"), [
    (replace("/min_node_count", 1), "min_node_count", 1),
    (remove("/min_node_count"), "min_node_count", 0),
    (add("/max_node_count", 5), "max_node_count", 5),
    (replace("/max_node_count", 0), "max_node_count", 0),
    (replace("/node_labels", "{'a': 'b'}"), "node_labels", {"a": "b"}),
    (replace("/node_labels", {"a": "b"}), "node_labels", {"a": "b"}),
    (add("/node_labels/team", "x"), "node_labels", {"team": "x"}),
    (replace("/node_taints", "[{'key': 'k', 'effect': 'NoSchedule'}]"), "node_taints", [{"key": "k", "effect": "NoSchedule"}]),
    (replace("/node_taints", [{"key": "k", "effect": "NoExecute"}]), "node_taints", [{"key": "k", "effect": "NoExecute"}]),
    (remove("/node_taints"), "node_taints", []),
])  # fmt: skip
async def test_patches(api: Api, change: Any, field: str, value: Any) -> None:
    answer = await api.patch(f"{GROUPS}/default-worker", [change])
    assert (answer.status_code, answer.json()[field]) == (202, value)
    assert (await api.get(f"{GROUPS}/default-worker")).json()[field] == value


OPEN = (
    "kubelet.kubernetes.io/x node.kubernetes.io/x kubernetes.io/arch kubernetes.io/os beta.kubernetes.io/arch "
    "beta.kubernetes.io/os beta.kubernetes.io/instance-type kubernetes.io/instance-type kubernetes.io/hostname "
    "failure-domain.beta.kubernetes.io/region failure-domain.beta.kubernetes.io/zone topology.kubernetes.io/region "
    "topology.kubernetes.io/zone node.kubernetes.io/windows-build example.org/x x"
)
CLOSED = (
    "kubernetes.io/x k8s.io/x a.kubernetes.io/x a.k8s.io/x node-role.kubernetes.io/worker topology.kubernetes.io/rack"
)


@pytest.mark.parametrize("label", OPEN.split())
async def test_labels_that_a_node_may_have(api: Api, label: str) -> None:
    answer = await api.post(GROUPS, {"name": "n", "node_labels": {label: "v"}})
    assert (answer.status_code, answer.json()["node_labels"]) == (202, {label: "v"})


@pytest.mark.parametrize("label", CLOSED.split())
async def test_labels_that_kubernetes_keeps(api: Api, label: str) -> None:
    answer = await api.post(GROUPS, {"name": "n", "node_labels": {label: "v"}})
    assert answer.status_code == 409
    assert detail(answer).startswith("node_labels for n is invalid (")


@pytest.mark.parametrize("effect", ["NoSchedule", "PreferNoSchedule", "NoExecute", "noschedule", ""])
async def test_effects(api: Api, effect: str) -> None:
    answer = await api.post(GROUPS, {"name": "n", "node_taints": [{"key": "k", "value": "v", "effect": effect}]})
    if effect.startswith(("No", "Prefer")):
        assert answer.status_code == 202
    else:
        words = "node_taints[0].effect must be one of NoSchedule, PreferNoSchedule, NoExecute"
        assert (answer.status_code, detail(answer)) == (409, f"node_taints for n is invalid ({words}).")
