"""Whatever a client sends is answered: with what it asked for, or with the fault that is the client's. Never with a 500."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.conftest import FREE
from tests.api.fuzzing import BUDGET, shaped

from jeroboam.api.v1 import patch
from jeroboam.domain.errors import InvalidRequest

if TYPE_CHECKING:
    import asyncio

    from tests.api.conftest import Api

TEXT = st.text(max_size=12) | st.sampled_from(["", "\0", "true", "{}", "{'a': 'b'}", "[1]", "9" * 40, "/labels", "k8s"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
TEMPLATE_KEYS = (
    "coe", "image_id", "flavor_id", "labels", "tls_disabled", "public", "docker_volume_size", "apiserver_port", "tags",
    "dns_nameserver", "name", "uuid", "server_type", "network_driver", "volume_driver", "driver", "fixed_network", "links",
)  # fmt: skip
CLUSTER_KEYS = (
    "name", "cluster_template_id", "node_count", "master_count", "labels", "merge_labels", "keypair", "create_timeout",
    "docker_volume_size", "status", "health_status", "flavor_id", "discovery_url", "stack_id", "uuid",
)  # fmt: skip
GROUP_KEYS = (
    "name", "node_count", "min_node_count", "max_node_count", "role", "labels", "node_labels", "node_taints", "image_id", "id",
)  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "name": "n",
    "flavor_id": None,
    "labels": {"a": "b"},
    "tls_disabled": False,
    "docker_volume_size": 3,
}
PATHS = (
    st.sampled_from(
        [
            f"/{key}"
            for key in (
                *DOCUMENT,
                "x",
                "uuid",
                "labels/a",
                "labels/z",
                "labels/a/b",
                "name/x",
                "node_count",
                "node_taints",
            )
        ]
    )
    | TEXT
)
OPS = st.sampled_from(["add", "replace", "remove"])
LIKELY: st.SearchStrategy[Any] = st.sampled_from(
    [
        0,
        1,
        2,
        5,
        True,
        False,
        None,
        "1",
        "true",
        "x",
        "small",
        "default",
        "kubernetes",
        "debian",
        "{'a': 1}",
        {"a": "b"},
        [],
    ]
)
SOUND = st.fixed_dictionaries({"op": OPS, "path": PATHS, "value": LIKELY})
ODD = st.fixed_dictionaries({"op": OPS | SCALARS, "path": PATHS}, optional={"value": VALUES}) | VALUES
PATCHES = st.lists(SOUND, max_size=2) | st.lists(SOUND | ODD, max_size=4) | VALUES
QUICK = settings(
    max_examples=150 * BUDGET,
    deadline=None,
    derandomize=BUDGET == 1,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(max_examples=500 * BUDGET, derandomize=BUDGET == 1)
@given(PATCHES)
def test_a_patch_applies_or_is_the_clients_fault(body: Any) -> None:
    with contextlib.suppress(InvalidRequest):
        after = patch.apply(patch.decode(body), DOCUMENT)
        assert set(after) == set(DOCUMENT)
    assert DOCUMENT["labels"] == {"a": "b"}


def bodies(keys: tuple[str, ...], **usual: Any) -> st.SearchStrategy[Any]:
    """Mostly sound bodies with some odd values in them, and sometimes anything at all."""
    likely = st.dictionaries(st.sampled_from(keys), LIKELY, max_size=2).map(lambda changes: usual | changes)
    odd = st.dictionaries(st.sampled_from(keys) | TEXT, VALUES, max_size=4)
    return likely | st.dictionaries(st.sampled_from(keys), VALUES, max_size=1).map(lambda c: usual | c) | odd | VALUES


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/clustertemplates", bodies(TEMPLATE_KEYS, coe="kubernetes", image_id="fake-image")),
        ("PATCH", f"/v1/clustertemplates/{FREE}", PATCHES),
        ("POST", "/v1/clusters", bodies(CLUSTER_KEYS, cluster_template_id="k8s")),
        ("PATCH", "/v1/clusters/demo", PATCHES),
        (
            "POST",
            "/v1/clusters/demo/actions/resize",
            bodies(("node_count", "nodes_to_remove", "nodegroup"), node_count=2),
        ),
        (
            "POST",
            "/v1/clusters/demo/actions/upgrade",
            bodies(("cluster_template", "max_batch_size"), cluster_template="k8s"),
        ),
        ("POST", "/v1/clusters/demo/nodegroups", bodies(GROUP_KEYS, name="n")),
        ("PATCH", "/v1/clusters/demo/nodegroups/default-worker", PATCHES),
        ("POST", "/v1/certificates", bodies(("cluster_uuid", "csr", "ca_cert_type"), cluster_uuid="demo", csr="x")),
        ("POST", "/v1/quotas", bodies(("project_id", "resource", "hard_limit"), project_id="p")),
        ("PATCH", "/v1/quotas/p/Cluster", bodies(("project_id", "resource", "hard_limit"), hard_limit=3)),
        ("POST", "/v1/federations", bodies(("hostcluster_id", "member_ids", "properties"), hostcluster_id="demo")),
    ],
)
def test_no_body_breaks_the_service(runner: asyncio.Runner, api: Api, method: str, path: str, body: Any) -> None:
    @QUICK
    @given(body)
    def send(chosen: Any) -> None:
        content = json.dumps(chosen).encode()
        headers = {"Content-Type": "application/json"}
        shaped(runner.run(api.call(method, path, content=content, headers=headers)))

    send()


PAGING = ("limit", "marker", "sort_key", "sort_dir")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/clusters", PAGING),
        ("/v1/clustertemplates/detail", PAGING),
        ("/v1/quotas", (*PAGING, "all_tenants")),
        ("/v1/clusters/demo/nodegroups", (*PAGING, "role")),
        ("/v1/stats", ("project_id", "type")),
        ("/v1/certificates/demo", ("ca_cert_type",)),
    ],
)
def test_no_query_breaks_the_service(runner: asyncio.Runner, api: Api, path: str, names: tuple[str, ...]) -> None:
    likely = {
        "limit": st.sampled_from(["1", "7", "1000000"]),
        "sort_key": st.sampled_from(["id", "name", "status", "labels", "created_at", "hard_limit"]),
        "sort_dir": st.sampled_from(["asc", "desc"]),
        "all_tenants": st.sampled_from(["1", "false"]),
    }
    sound = st.fixed_dictionaries({}, optional={name: likely.get(name, TEXT) for name in names})
    odd = st.dictionaries(st.sampled_from(names) | TEXT, TEXT, max_size=3)

    @QUICK
    @given(sound | odd)
    def ask(query: dict[str, str]) -> None:
        shaped(runner.run(api.get(path, params=query)))

    ask()


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", ""])
def test_no_bytes_break_the_service(runner: asyncio.Runner, api: Api, kind: str) -> None:
    @QUICK
    @given(st.binary(max_size=60))
    def send(content: bytes) -> None:
        shaped(runner.run(api.call("POST", "/v1/clusters", content=content, headers={"Content-Type": kind})))

    send()
