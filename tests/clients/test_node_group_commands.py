"""`openstack coe nodegroup`: every command with every flag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.e2e.world import SOON_S, until

from .coe import Coe, words
from .conftest import settled
from .test_cluster_commands import create as create_cluster

pytestmark = [pytest.mark.sockets, pytest.mark.timeout(400)]  # the first waits for service and client to start

# Flag -> its value, and what the node group then shows. No value: a switch. A text for the columns: the refusal.
CREATE: Mapping[str, tuple[str | None, dict[str, Any] | str]] = {
    "--docker-volume-size": ("5", {"docker_volume_size": 5}),
    "--labels": ("c=4", {"labels": {"c": "4"}, "labels_skipped": {"a": "1", "b": "2"}}),
    "--node-count": ("2", {"node_count": 2}),
    "--min-nodes": ("1", {"min_node_count": 1}),
    "--max-nodes": ("5", {"max_node_count": 5}),
    "--role": ("gpu", {"role": "gpu"}),
    "--image": ("other-image", {"image_id": "other-image"}),
    "--flavor": ("m1.medium", {"flavor_id": "m1.medium"}),
    "--merge-labels": (None, {"labels": {"a": "1", "b": "2"}}),
    "--node-labels": ("tier=web,zone=x", {"node_labels": {"tier": "web", "zone": "x"}}),
    "--node-taints": (
        "gpu=yes:NoSchedule,spot:NoExecute",
        {
            "node_taints": [
                {"key": "gpu", "value": "yes", "effect": "NoSchedule"},
                {"key": "spot", "value": "", "effect": "NoExecute"},
            ]
        },
    ),
}

UPDATE: Mapping[str, tuple[str, dict[str, Any]]] = {
    "--min-nodes": ("1", {"min_node_count": 1}),
    "--max-nodes": ("4", {"max_node_count": 4}),
    "--node-labels": ("tier=db", {"node_labels": {"tier": "db"}}),
    "--node-taints": ("a=b:NoSchedule", {"node_taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]}),
}

LIST = frozenset({"--limit", "--sort-key", "--sort-dir", "--role"})


@pytest.fixture(scope="module")
def cluster(ada: Coe, template: str) -> Iterator[str]:
    create_cluster(ada, "groups", template)
    yield "groups"
    ada("cluster", "delete", "groups")


def create(coe: Coe, cluster: str, name: str, flags: Mapping[str, str | None] | None = None) -> Any:
    """A node group that is complete."""
    said = coe("nodegroup", "create", cluster, name, *words(flags or {}))
    uuid = said.split()[4]
    assert said == f"Request to create nodegroup {uuid} accepted\n"
    shown = complete(coe, cluster, name)
    assert shown["uuid"] == uuid
    return shown


def complete(coe: Coe, cluster: str, name: str) -> Any:
    settled(coe, cluster, "UPDATE_COMPLETE")
    shown = coe.json("nodegroup", "show", cluster, name)
    assert shown["status"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), shown
    return shown


def remove(coe: Coe, cluster: str, name: str) -> None:
    assert coe("nodegroup", "delete", cluster, name) == f"Request to delete nodegroup {name} has been accepted.\n"
    until(lambda: coe.run("nodegroup", "show", cluster, name).code == 1, SOON_S, f"{name} is gone", every_s=0.1)


def test_what_is_not_said_has_its_default(ada: Coe, cluster: str) -> None:
    shown = create(ada, cluster, "plain")
    uuid = ada.json("cluster", "show", cluster)["uuid"]
    assert shown.pop("uuid")
    assert len(shown.pop("node_addresses")) == 1
    shown.pop("stack_id")
    shown.pop("status")  # of `complete`
    assert shown == {
        "name": "plain",
        "cluster_id": uuid,
        "project_id": "blue",
        "role": "worker",
        "is_default": False,
        "node_count": 1,
        "min_node_count": 0,
        "max_node_count": None,
        "docker_volume_size": None,
        "flavor_id": "small",
        "image_id": "fake-image",
        "status_reason": None,
        "labels": {"a": "1", "b": "2"},
        "labels_overridden": {},
        "labels_added": {},
        "labels_skipped": {},
        "node_labels": {},
        "node_taints": [],
    }
    remove(ada, cluster, "plain")


@pytest.mark.parametrize("flag", sorted(CREATE))
def test_create(ada: Coe, cluster: str, flag: str) -> None:
    value, expected = CREATE[flag]
    assert isinstance(expected, dict)
    shown = create(ada, cluster, f"create{flag}", {flag: value})
    assert {name: shown[name] for name in expected} == expected
    assert len(shown["node_addresses"]) == shown["node_count"]
    remove(ada, cluster, f"create{flag}")


@pytest.mark.parametrize("flag", sorted(UPDATE))
def test_update(ada: Coe, cluster: str, flag: str) -> None:
    value, expected = UPDATE[flag]
    name = f"update{flag}"
    create(ada, cluster, name, {"--node-count": "2"})
    assert ada("nodegroup", "update", cluster, name, flag, value) == (
        f"Request to update nodegroup {name} has been accepted.\n"
    )
    shown = complete(ada, cluster, name)
    assert {column: shown[column] for column in expected} == expected
    remove(ada, cluster, name)


def test_an_empty_value_clears(ada: Coe, cluster: str) -> None:
    create(ada, cluster, "cleared", {"--node-labels": "a=b", "--node-taints": "c:NoSchedule"})
    ada("nodegroup", "update", cluster, "cleared", "--node-labels", "", "--node-taints", "")
    shown = complete(ada, cluster, "cleared")
    assert (shown["node_labels"], shown["node_taints"]) == ({}, [])
    remove(ada, cluster, "cleared")


def test_list_and_its_order(ada: Coe, cluster: str) -> None:
    for name in ("list-b", "list-a"):
        create(ada, cluster, name, {"--role": "listed", "--node-count": "0"})

    def listed(*flags: str) -> list[str]:
        return [row["name"] for row in ada.json("nodegroup", "list", cluster, *flags)]

    assert listed() == ["default-master", "default-worker", "list-b", "list-a"]
    assert listed("--role", "listed") == ["list-b", "list-a"]
    assert listed("--role", "master") == ["default-master"]
    assert listed("--role", "nobody") == []
    assert listed("--sort-key", "name", "--role", "listed") == ["list-a", "list-b"]
    assert listed("--sort-key", "name", "--sort-dir", "desc") == [
        "list-b",
        "list-a",
        "default-worker",
        "default-master",
    ]
    assert listed("--limit", "1") == ["default-master"]
    row = ada.json("nodegroup", "list", cluster, "--role", "worker")[0]
    assert len(row.pop("uuid")) == 36
    assert row == {
        "name": "default-worker",
        "flavor_id": "small",
        "image_id": "fake-image",
        "node_count": 1,
        "status": row["status"],
        "role": "worker",
    }
    assert ada("nodegroup", "delete", cluster, "list-a", "list-b").splitlines() == [
        "Request to delete nodegroup list-a has been accepted.",
        "Request to delete nodegroup list-b has been accepted.",
    ]
    until(lambda: listed("--role", "listed") == [], SOON_S, "both are gone", every_s=0.1)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["create", "groups", "default-worker"], "A node group with name default-worker already exists in the cluster"),
        (["create", "groups", "x", "--role", "master"], "Creating master nodegroups is currently not supported"),
        (
            ["create", "groups", "x", "--min-nodes", "3"],
            "min_node_count for x is invalid (min_node_count (3) should be",
        ),
        (["create", "groups", "x", "--max-nodes", "3", "--node-count", "4"], "max_node_count for x is invalid"),
        (["create", "groups", "x", "--node-labels", "kubernetes.io/role=x"], "node_labels for x is invalid"),
        (["create", "nope", "x"], "Cluster nope could not be found (HTTP 404)"),
        (["show", "groups", "nope"], "Nodegroup nope could not be found (HTTP 404)"),
        (["update", "groups", "nope", "--min-nodes", "1"], "Nodegroup nope could not be found (HTTP 404)"),
        (["update", "groups", "default-worker"], "Nothing to update."),
        (["update", "groups", "default-worker", "--min-nodes", "9"], "min_node_count for default-worker is invalid"),
        (["delete", "groups", "default-worker"], "Deleting a default nodegroup is not supported (HTTP 400)"),
        (["delete", "groups", "nope"], "Nodegroup nope could not be found (HTTP 404)"),
        (["list", "nope"], "Cluster nope could not be found (HTTP 404)"),
    ],
)
def test_refusals(ada: Coe, cluster: str, typed: list[str], said: str) -> None:
    assert ada.fails("nodegroup", *typed).startswith(said)
