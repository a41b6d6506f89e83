"""`openstack coe cluster`: every command with every flag but those of `config`, which has a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from .coe import Coe, words
from .conftest import gone, settled

pytestmark = [pytest.mark.sockets, pytest.mark.timeout(400)]  # the first waits for service and client to start

# Flag -> its value, and what the cluster then shows. No value: a switch. A text for the columns: the refusal.
CREATE: Mapping[str, tuple[str | None, dict[str, Any] | str]] = {
    "--cluster-template": ("nope", "ClusterTemplate nope could not be found (HTTP 404)"),
    "--discovery-url": ("http://discovery/1", {"discovery_url": "http://discovery/1"}),
    "--docker-volume-size": ("5", {"docker_volume_size": 5}),
    "--labels": ("b=3,c=4", {"labels": {"b": "3", "c": "4"}, "labels_skipped": {"a": "1"}}),
    "--keypair": ("default", {"keypair": "default"}),
    "--master-count": ("2", "master nodegroup size of 2 is invalid, size cannot be an even number (HTTP 400)"),
    "--node-count": ("3", {"node_count": 3}),
    "--timeout": ("7", {"create_timeout": 7}),
    "--master-flavor": ("m1.medium", {"master_flavor_id": "m1.medium"}),
    "--flavor": ("m1.medium", {"flavor_id": "m1.medium"}),
    "--fixed-network": ("private", {"fixed_network": "private"}),
    "--fixed-subnet": ("private-subnet", {"fixed_subnet": "private-subnet"}),
    "--floating-ip-enabled": (None, {"floating_ip_enabled": True}),
    "--floating-ip-disabled": (None, {"floating_ip_enabled": False}),
    "--merge-labels": (None, {"labels": {"a": "1", "b": "2"}}),
    "--master-lb-enabled": (None, {"master_lb_enabled": True}),
    "--master-lb-disabled": (None, {"master_lb_enabled": False}),
}

UPDATE: Mapping[str, tuple[str | None, dict[str, Any] | str]] = {
    "--name": ("other", "cannot change cluster property(ies) name (HTTP 400)"),
    "--node-count": ("2", {"node_count": 2}),
    "--master-count": ("3", "cannot change cluster property(ies) master_count (HTTP 400)"),
    "--label": ("c=3", "cannot change cluster property(ies) labels (HTTP 400)"),
    "--no-label": ("a", "cannot change cluster property(ies) labels (HTTP 400)"),
    "--rollback": (None, "Nothing to update."),
}

LIST = frozenset({"--limit", "--sort-key", "--sort-dir"})
RESIZE = frozenset({"--nodes-to-remove", "--nodegroup"})
UPGRADE = frozenset({"--max-batch-size", "--nodegroup"})


def create(coe: Coe, name: str, template: str, flags: Mapping[str, str | None] | None = None) -> Any:
    """A cluster that is complete."""
    said = coe("cluster", "create", name, *words({"--cluster-template": template, **(flags or {})}))
    assert said.startswith("Request to create cluster ")
    assert said.endswith(" accepted\n")
    shown = settled(coe, name, "CREATE_COMPLETE")
    assert shown["uuid"] == said.split()[4]
    return shown


@pytest.fixture
def cluster(ada: Coe, template: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A complete cluster of one worker, named for the test."""
    name = "c-" + "".join(c if c.isalnum() else "-" for c in request.node.name)
    yield create(ada, name, template)
    ada.run("cluster", "delete", name)


def test_what_is_not_said_has_its_default(ada: Coe, template: str) -> None:
    shown = create(ada, "plain", template)
    for name in ("uuid", "cluster_id", "cluster_template_id", "created_at", "api_address"):
        assert shown.pop(name), name
    assert (len(shown.pop("node_addresses")), len(shown.pop("master_addresses"))) == (1, 1)
    for name in ("updated_at", "health_status", "health_status_reason"):  # the health scan comes when it comes
        shown.pop(name)
    assert shown == {
        "name": "plain",
        "status": "CREATE_COMPLETE",
        "status_reason": None,
        "project_id": "blue",
        "faults": "",
        "node_count": 1,
        "master_count": 1,
        "create_timeout": 60,
        "keypair": None,
        "discovery_url": None,
        "labels": {"a": "1", "b": "2"},
        "labels_overridden": {},
        "labels_added": {},
        "labels_skipped": {},
        "flavor_id": "small",
        "master_flavor_id": "small",
        "docker_volume_size": None,
        "fixed_network": None,
        "fixed_subnet": None,
        "floating_ip_enabled": True,
        "master_lb_enabled": False,
        "coe_version": "v1.34.4",
        "container_version": None,
    }
    assert ada("cluster", "delete", "plain") == "Request to delete cluster plain has been accepted.\n"
    gone(ada, "plain")


@pytest.mark.parametrize("flag", sorted(CREATE))
def test_create(ada: Coe, template: str, flag: str) -> None:
    value, expected = CREATE[flag]
    typed = {"--cluster-template": template, flag: value}
    if isinstance(expected, str):
        assert ada.fails("cluster", "create", "refused", *words(typed)) == expected
        return
    shown = create(ada, f"create{flag}", template, {flag: value})
    assert {name: shown[name] for name in expected} == expected
    ada("cluster", "delete", f"create{flag}")


def test_labels_merged_with_the_template_s(ada: Coe, template: str) -> None:
    flags = {"--labels": "b=3;c=4", "--merge-labels": None}
    shown = create(ada, "merged", template, flags)
    assert shown["labels"] == {"a": "1", "b": "3", "c": "4"}
    assert (shown["labels_overridden"], shown["labels_added"], shown["labels_skipped"]) == ({"b": "2"}, {"c": "4"}, {})
    ada("cluster", "delete", "merged")


def test_switches_overrule_the_template(ada: Coe) -> None:
    flags = ["--coe", "kubernetes", "--image", "fake-image", "--external-network", "public", "--flavor", "small"]
    flags += ["--master-flavor", "small", "--master-lb-enabled", "--floating-ip-disabled"]
    ada("cluster", "template", "create", "switched", *flags)
    names = ("master_lb_enabled", "floating_ip_enabled")
    for cluster, given, expected in (
        ("inherits", {}, (True, False)),
        ("overrules", {"--master-lb-disabled": None, "--floating-ip-enabled": None}, (False, True)),
    ):
        shown = create(ada, cluster, "switched", given)
        assert tuple(shown[name] for name in names) == expected
        ada("cluster", "delete", cluster)


def test_several_control_planes_need_a_load_balancer(ada: Coe, template: str) -> None:
    flags = ["--cluster-template", template, "--master-count", "3"]
    said = ada.fails("cluster", "create", "three", *flags)
    assert said == "master_count must be 1 when master_lb_enabled is False (HTTP 400)"
    shown = create(ada, "three", template, {"--master-count": "3", "--master-lb-enabled": None})
    assert (shown["master_count"], len(shown["master_addresses"])) == (3, 3)
    ada("cluster", "delete", "three")


def test_list(ada: Coe, bob: Coe, template: str) -> None:
    made = {name: create(ada, name, template) for name in ("list-b", "list-a", "list-c")}

    def listed(*flags: str) -> list[str]:
        return [row["name"] for row in ada.json("cluster", "list", *flags) if row["uuid"] in uuids]

    uuids = {one["uuid"] for one in made.values()}
    assert listed() == ["list-b", "list-a", "list-c"]
    assert listed("--sort-key", "name") == ["list-a", "list-b", "list-c"]
    assert listed("--sort-key", "name", "--sort-dir", "desc") == ["list-c", "list-b", "list-a"]
    assert len(ada.json("cluster", "list", "--limit", "2")) == 2
    row = next(row for row in ada.json("cluster", "list") if row["name"] == "list-a")
    assert row.pop("health_status") in (None, "HEALTHY")
    assert row == {
        "uuid": made["list-a"]["uuid"],
        "name": "list-a",
        "keypair": None,
        "status": "CREATE_COMPLETE",
        "node_count": 1,
        "master_count": 1,
    }
    assert [row for row in bob.json("cluster", "list") if row["uuid"] in uuids] == []
    assert bob.fails("cluster", "show", "list-a") == "Cluster list-a could not be found (HTTP 404)"
    assert ada.fails("cluster", "list", "--sort-key", "node_count") == (
        'The sort_key value "node_count" is an invalid field for sorting (HTTP 400)'
    )
    ada("cluster", "delete", *made)


def test_several_deleted_and_one_that_is_not_there(ada: Coe, template: str) -> None:
    for name in ("first", "second"):
        create(ada, name, template)
    assert ada("cluster", "delete", "first", "second").splitlines() == [
        "Request to delete cluster first has been accepted.",
        "Request to delete cluster second has been accepted.",
    ]
    gone(ada, "first")
    gone(ada, "second")
    assert ada.fails("cluster", "delete", "first") == "Cluster first could not be found (HTTP 404)"


@pytest.mark.parametrize("flag", sorted(UPDATE))
def test_update(ada: Coe, cluster: Any, flag: str) -> None:
    value, expected = UPDATE[flag]
    typed = ["cluster", "update", cluster["name"], *words({flag: value})]
    if isinstance(expected, str):
        assert ada.fails(*typed) == expected
        assert ada.json("cluster", "show", cluster["uuid"])["status"] == "CREATE_COMPLETE"
        return
    assert ada(*typed) == f"Request to update cluster {cluster['name']} has been accepted.\n"
    shown = settled(ada, cluster["name"], "UPDATE_COMPLETE")
    assert {name: shown[name] for name in expected} == expected


def test_update_with_rollback(ada: Coe, cluster: Any) -> None:
    ada("cluster", "update", cluster["name"], "--node-count", "3", "--rollback")
    shown = settled(ada, cluster["name"], "UPDATE_COMPLETE")
    assert (shown["node_count"], len(shown["node_addresses"])) == (3, 3)


def test_resize(ada: Coe, cluster: Any) -> None:
    name = cluster["name"]
    assert ada("cluster", "resize", name, "3") == f"Request to resize cluster {name} has been accepted.\n"
    shown = settled(ada, name, "UPDATE_COMPLETE")
    assert (shown["node_count"], len(shown["node_addresses"])) == (3, 3)
    ada("cluster", "resize", name, "2", "--nodegroup", "default-worker")
    assert len(settled(ada, name, "UPDATE_COMPLETE")["node_addresses"]) == 2
    said = ada.fails("cluster", "resize", name, "3", "--nodegroup", "default-master")
    assert said == "Resizing the master nodegroup is not supported by this driver (HTTP 400)"
    assert ada.fails("cluster", "resize", name, "1", "--nodegroup", "nope").startswith(
        "Nodegroup nope could not be found"
    )


def test_resize_names_the_nodes_to_remove(ada: Coe, template: str) -> None:
    uuid = create(ada, "shrink", template, {"--node-count": "3"})["uuid"]
    before = ada.json("cluster", "show", "shrink")["node_addresses"]
    first, second = (f"shrink-{uuid[:8]}-default-worker-{index}" for index in (0, 1))
    ada("cluster", "resize", "shrink", "1", "--nodes-to-remove", first, "--nodes-to-remove", second)
    [left] = settled(ada, "shrink", "UPDATE_COMPLETE")["node_addresses"]
    assert left in before
    assert ada.fails("cluster", "resize", "shrink", "1", "--nodes-to-remove", "nope") == (
        "Node nope is not in the node group default-worker (HTTP 400)"
    )
    ada("cluster", "delete", "shrink")


def test_upgrade(ada: Coe, cluster: Any) -> None:
    name = cluster["name"]
    flags = ["--coe", "kubernetes", "--image", "other-image", "--external-network", "public", "--flavor", "small"]
    said = ada("cluster", "template", "create", "next", *flags, "--labels", "b=3", "-f", "value", "-c", "uuid")
    template = said.split()[-1]
    accepted = f"Request to upgrade cluster {name} has been accepted.\n"

    def images() -> dict[str, str]:
        return {row["name"]: row["image_id"] for row in ada.json("nodegroup", "list", name)}

    assert ada("cluster", "upgrade", name, "next", "--nodegroup", "default-worker") == accepted
    settled(ada, name, "UPDATE_COMPLETE")
    assert images() == {"default-master": "fake-image", "default-worker": "other-image"}
    assert ada("cluster", "upgrade", name, template, "--max-batch-size", "2") == accepted
    shown = settled(ada, name, "UPDATE_COMPLETE")
    assert (shown["cluster_template_id"], shown["labels"]) == (template, {"b": "3"})
    assert images() == {"default-master": "other-image", "default-worker": "other-image"}
    assert ada("cluster", "delete", name)
    gone(ada, name)
    ada("cluster", "template", "delete", "next")


def test_what_upgrade_refuses(ada: Coe, cluster: Any, template: str) -> None:
    typed = ["cluster", "upgrade", cluster["name"]]
    said = ada.fails(*typed, template, "--max-batch-size", "2", "--nodegroup", "nope")
    assert said == "Nodegroup nope could not be found (HTTP 404)"
    assert ada.fails(*typed, "nope") == "ClusterTemplate nope could not be found (HTTP 404)"


def test_zero_workers(ada: Coe, template: str) -> None:
    shown = create(ada, "none", template, {"--node-count": "0"})
    assert (shown["node_count"], shown["node_addresses"]) == (0, [])
    ada("cluster", "resize", "none", "1")
    ada("cluster", "delete", "none")
