"""`openstack coe cluster template`: every command with every flag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from .coe import Coe, words

pytestmark = [pytest.mark.sockets, pytest.mark.timeout(400)]  # the first waits for service and client to start

BASE = {"--coe": "kubernetes", "--image": "fake-image", "--external-network": "public", "--flavor": "small"}

# Flag -> its value, and what the template then shows. No value: a switch. A text for the columns: the refusal.
CREATE: Mapping[str, tuple[str | None, dict[str, Any] | str]] = {
    "--coe": ("mesos", "Invalid input for field/attribute coe (HTTP 400)"),
    "--image": ("nope", "Image nope could not be found"),
    "--external-network": ("nope", "Unable to find external network nope"),
    "--keypair": ("default", {"keypair_id": "default"}),
    "--fixed-network": ("private", {"fixed_network": "private"}),
    "--fixed-subnet": ("private-subnet", {"fixed_subnet": "private-subnet"}),
    "--network-driver": ("flannel", {"network_driver": "flannel"}),
    "--volume-driver": ("cinder", {"volume_driver": "cinder"}),
    "--driver": ("fake_swarm", {"driver": "fake_swarm"}),
    "--dns-nameserver": ("192.0.2.1,192.0.2.2", {"dns_nameserver": "192.0.2.1,192.0.2.2"}),
    "--flavor": ("m1.medium", {"flavor_id": "m1.medium"}),
    "--master-flavor": ("small", {"master_flavor_id": "small"}),
    "--docker-volume-size": ("7", {"docker_volume_size": 7}),
    "--docker-storage-driver": ("overlay", {"docker_storage_driver": "overlay"}),
    "--http-proxy": ("http://proxy:3128", {"http_proxy": "http://proxy:3128"}),
    "--https-proxy": ("https://proxy:3128", {"https_proxy": "https://proxy:3128"}),
    "--no-proxy": ("127.0.0.1,.local", {"no_proxy": "127.0.0.1,.local"}),
    "--labels": ("a=1,b=two;c=x=y", {"labels": {"a": "1", "b": "two", "c": "x=y"}}),
    "--tls-disabled": (None, {"tls_disabled": True}),
    "--public": (None, "Not authorized to set public or hidden flag for cluster template (HTTP 403)"),
    "--registry-enabled": (None, {"registry_enabled": True}),
    "--insecure-registry": ("registry:5000", {"insecure_registry": "registry:5000"}),
    "--server-type": ("bm", {"server_type": "bm"}),
    "--master-lb-enabled": (None, {"master_lb_enabled": True}),
    "--floating-ip-enabled": (None, {"floating_ip_enabled": True}),
    "--floating-ip-disabled": (None, {"floating_ip_enabled": False}),
    "--hidden": (None, "Not authorized to set public or hidden flag for cluster template (HTTP 403)"),
    "--visible": (None, {"hidden": False}),
    "--tags": ("one", {"tags": "one"}),
}

UPDATE: Mapping[str, tuple[str | None, dict[str, Any] | str]] = {
    "--name": ("renamed", {"name": "renamed"}),
    "--image": ("other-image", {"image_id": "other-image"}),
    "--flavor": ("m1.medium", {"flavor_id": "m1.medium"}),
    "--master-flavor": ("m1.medium", {"master_flavor_id": "m1.medium"}),
    "--keypair": ("default", {"keypair_id": "default"}),
    "--external-network": ("outside", {"external_network_id": "outside"}),
    "--fixed-network": ("private", {"fixed_network": "private"}),
    "--fixed-subnet": ("private-subnet", {"fixed_subnet": "private-subnet"}),
    "--network-driver": ("weave", "Network driver type weave is not supported, expecting a "),
    "--volume-driver": ("cinder", {"volume_driver": "cinder"}),
    "--driver": ("fake_swarm", {"driver": "fake_swarm"}),
    "--dns-nameserver": ("192.0.2.3", {"dns_nameserver": "192.0.2.3"}),
    "--docker-volume-size": ("9", {"docker_volume_size": 9}),
    "--docker-storage-driver": ("overlay", {"docker_storage_driver": "overlay"}),
    "--http-proxy": ("http://proxy:1", {"http_proxy": "http://proxy:1"}),
    "--https-proxy": ("https://proxy:1", {"https_proxy": "https://proxy:1"}),
    "--no-proxy": (".example", {"no_proxy": ".example"}),
    "--insecure-registry": ("registry:1", {"insecure_registry": "registry:1"}),
    "--label": ("b=3", {"labels": {"a": "1", "b": "3"}}),
    "--no-label": ("a", {"labels": {}}),
    "--tag": ("two", {"tags": "two"}),
    "--public": (None, "Not authorized to set public or hidden flag for cluster template (HTTP 403)"),
    "--private": (None, {"public": False}),
    "--tls-disabled": (None, {"tls_disabled": True}),
    "--tls-enabled": (None, {"tls_disabled": False}),
    "--registry-enabled": (None, {"registry_enabled": True}),
    "--registry-disabled": (None, {"registry_enabled": False}),
    "--master-lb-enabled": (None, {"master_lb_enabled": True}),
    "--master-lb-disabled": (None, {"master_lb_enabled": False}),
    "--floating-ip-enabled": (None, {"floating_ip_enabled": True}),
    "--floating-ip-disabled": (None, {"floating_ip_enabled": False}),
    "--hidden": (None, "Not authorized to set public or hidden flag for cluster template (HTTP 403)"),
    "--visible": (None, {"hidden": False}),
}

# A switch that only undoes another -> that other, with which the template is made.
UNDOES = {
    "--tls-enabled": "--tls-disabled",
    "--registry-disabled": "--registry-enabled",
    "--master-lb-disabled": "--master-lb-enabled",
    "--floating-ip-enabled": "--floating-ip-disabled",
}

LIST = frozenset({"--limit", "--sort-key", "--sort-dir", "--fields"})


def create(coe: Coe, name: str, flags: Mapping[str, str | None] | None = None) -> Any:
    """What a new template shows."""
    made = coe.json("cluster", "template", "create", name, *words({**BASE, **(flags or {})}))
    assert coe.json("cluster", "template", "show", made["uuid"]) == made
    return made


def test_what_is_not_said_has_its_default(ada: Coe) -> None:
    said = ada("cluster", "template", "create", "plain", *words(BASE))
    assert said.startswith("Request to create cluster template plain accepted\n")
    made = ada.json("cluster", "template", "show", "plain")
    assert {name: made.pop(name) != "-" for name in ("uuid", "created_at")} == {"uuid": True, "created_at": True}
    assert made == {
        "name": "plain",
        "coe": "kubernetes",
        "image_id": "fake-image",
        "external_network_id": "public",
        "flavor_id": "small",
        "master_flavor_id": "-",
        "server_type": "vm",
        "cluster_distro": "debian",
        "driver": "fake",
        "network_driver": "flannel",
        "volume_driver": "-",
        "docker_storage_driver": "overlay2",
        "docker_volume_size": "-",
        "dns_nameserver": "8.8.8.8",
        "keypair_id": "-",
        "apiserver_port": "-",
        "fixed_network": "-",
        "fixed_subnet": "-",
        "http_proxy": "-",
        "https_proxy": "-",
        "no_proxy": "-",
        "insecure_registry": "-",
        "labels": {},
        "tags": "-",
        "project_id": "blue",
        "updated_at": "-",
        "public": False,
        "hidden": False,
        "tls_disabled": False,
        "registry_enabled": False,
        "master_lb_enabled": False,
        "floating_ip_enabled": True,
    }


@pytest.mark.parametrize("flag", sorted(CREATE))
def test_create(ada: Coe, flag: str) -> None:
    value, expected = CREATE[flag]
    if isinstance(expected, str):
        said = ada.fails("cluster", "template", "create", "refused", *words({**BASE, flag: value}))
        assert said.startswith(expected)
        return
    made = create(ada, f"create{flag}", {flag: value})
    assert {name: made[name] for name in expected} == expected


def test_flags_that_are_given_more_than_once(ada: Coe) -> None:
    more = ["--labels", "a=1", "--labels", "b=2", "--labels", "a=3", "--tags", "one", "--tags", "two,three"]
    made = ada.json("cluster", "template", "create", "often", *words(BASE), *more)
    assert made["labels"] == {"a": "1,3", "b": "2"}
    assert sorted(made["tags"].split(",")) == ["one", "three", "two"]


def test_an_administrator_publishes_and_hides(root: Coe, bob: Coe) -> None:
    flavored = {"--public": None, "--master-flavor": "small"}  # a template without both cannot be patched
    assert create(root, "shown", flavored)["public"] is True
    assert bob.json("cluster", "template", "show", "shown")["name"] == "shown"
    assert root.json("cluster", "template", "update", "shown", "--hidden")["hidden"] is True
    assert bob.fails("cluster", "template", "show", "shown") == "ClusterTemplate shown could not be found (HTTP 404)"
    assert create(root, "unseen", {**flavored, "--hidden": None})["hidden"] is True
    assert bob.run("cluster", "template", "show", "unseen").code == 1
    assert root.json("cluster", "template", "update", "unseen", "--visible")["hidden"] is False
    assert root.json("cluster", "template", "update", "unseen", "--private")["public"] is False
    assert bob.run("cluster", "template", "show", "unseen").code == 1
    root("cluster", "template", "delete", "shown", "unseen")


@pytest.mark.parametrize("flag", sorted(UPDATE))
def test_update(ada: Coe, flag: str) -> None:
    value, expected = UPDATE[flag]
    undone = {UNDOES[flag]: None} if flag in UNDOES else {}
    before = create(ada, f"update{flag}", {"--labels": "a=1", "--master-flavor": "small", **undone})
    typed = ["cluster", "template", "update", before["uuid"], *words({flag: value})]
    if isinstance(expected, str):
        assert ada.fails(*typed).startswith(expected)
        assert ada.json("cluster", "template", "show", before["uuid"]) == before
        return
    after = ada.json(*typed)
    assert {name: after[name] for name in expected} == expected
    untouched = [name for name in before if name not in (*expected, "updated_at")]
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    same = flag in ("--private", "--visible")  # what an administrator hid or published: see above
    assert all(after[name] != before[name] for name in expected) is not same
    assert (after["updated_at"] == "-") is same


def test_update_of_many_at_once(ada: Coe) -> None:
    create(ada, "many", {"--labels": "a=1,b=2", "--master-flavor": "small"})
    flags = ["--label", "c=3", "--label", "a=x=y", "--no-label", "b", "--tag", "one", "--tag", "two", "--name", "more"]
    after = ada.json("cluster", "template", "update", "many", *flags)
    assert (after["name"], after["labels"], after["tags"]) == ("more", {"a": "x=y", "c": "3"}, "one,two")
    said = ada.fails("cluster", "template", "update", "more", "--no-label", "zz")
    assert said == "Couldn't apply patch '[{'path': '/labels/zz', 'op': 'remove'}]' (HTTP 400)"
    assert ada.fails("cluster", "template", "update", "more") == "Nothing to update."
    for flag, value, said in (
        ("--image", "nope", "Image nope could not be found (HTTP 400)"),
        ("--external-network", "private", "Unable to find external network private (HTTP 400)"),
        ("--fixed-network", "nope", "Unable to find fixed network nope (HTTP 400)"),
        ("--fixed-subnet", "nope", "Unable to find fixed subnet nope (HTTP 400)"),
        ("--driver", "nope", "Cluster driver (nope) not supported (HTTP 400)"),
    ):
        assert ada.fails("cluster", "template", "update", "more", flag, value) == said


def test_without_both_flavors_nothing_is_changed(ada: Coe) -> None:
    before = create(ada, "flavorless")
    for flags in (["--name", "x"], ["--label", "a=1"], ["--tls-disabled"]):
        said = ada.fails("cluster", "template", "update", "flavorless", *flags)
        assert said == "Unable to find flavor None (HTTP 400)"
    assert ada.json("cluster", "template", "show", "flavorless") == before
    after = ada.json("cluster", "template", "update", "flavorless", "--name", "x", "--label", "boot_volume_size=10")
    assert (after["name"], after["labels"]) == ("x", {"boot_volume_size": "10"})


def test_list(ada: Coe) -> None:
    for name in ("list-b", "list-a", "list-c"):
        create(ada, name, {"--tags": "listed"})

    def listed(*flags: str) -> list[str]:
        return [row["name"] for row in ada.json("cluster", "template", "list", *flags) if row["tags"] == "listed"]

    assert listed() == ["list-b", "list-a", "list-c"]
    assert listed("--sort-key", "name") == ["list-a", "list-b", "list-c"]
    assert listed("--sort-key", "name", "--sort-dir", "desc") == ["list-c", "list-b", "list-a"]
    assert ada.json("cluster", "template", "list", "--limit", "1", "--sort-key", "name")[0].keys() == {
        "uuid",
        "name",
        "tags",
    }
    rows = ada.json("cluster", "template", "list", "--fields", "coe,image_id,public,server_type,tls_disabled")
    row = next(row for row in rows if row["name"] == "list-a")
    assert {name: row[name] for name in ("coe", "image_id", "public", "server_type", "tls_disabled")} == {
        "coe": "kubernetes",
        "image_id": "fake-image",
        "public": False,
        "server_type": "vm",
        "tls_disabled": False,
    }
    assert ada.fails("cluster", "template", "list", "--sort-key", "zz") == (
        'The sort_key value "zz" is an invalid field for sorting (HTTP 400)'
    )


def test_limit_is_how_many_come_and_no_page_size(ada: Coe) -> None:
    assert len(ada.json("cluster", "template", "list", "--limit", "2")) == 2


def test_delete_of_several(ada: Coe) -> None:
    for name in ("one", "two"):
        create(ada, f"delete-{name}")
    said = ada("cluster", "template", "delete", "delete-one", "nope", "delete-two").splitlines()
    assert said[0] == "Request to delete cluster template delete-one has been accepted."
    assert said[1].startswith(
        "Delete for cluster template nope failed: ClusterTemplate nope could not be found (HTTP 404)"
    )
    assert said[2] == "Request to delete cluster template delete-two has been accepted."
    left = {row["name"] for row in ada.json("cluster", "template", "list")}
    assert left.isdisjoint({"delete-one", "delete-two"})


def test_another_project_sees_nothing_of_it(ada: Coe, bob: Coe) -> None:
    made = create(ada, "private")
    for ident in ("private", made["uuid"]):
        said = f"ClusterTemplate {ident} could not be found (HTTP 404)"
        assert bob.fails("cluster", "template", "show", ident) == said
        assert bob.fails("cluster", "template", "update", ident, "--name", "mine") == said
        assert said in bob("cluster", "template", "delete", ident)
    assert "private" not in {row["name"] for row in bob.json("cluster", "template", "list")}
