"""Driver lxd without a cluster: what it refuses, and what it writes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from jeroboam.contracts import ClusterContext, Endpoint, Image, MachineSpec, NodeConfig
from jeroboam.domain import Cluster, Role
from jeroboam.domain.errors import ConfigError
from jeroboam.drivers.lxd import LxdDriver, plugin
from jeroboam.testing import builders
from jeroboam.testing.driver_suite import context_of, specs_of

DRIVER = LxdDriver()
IMAGE = Image("image-1", "node", {"os_distro": "debian", "lxd_version": "v5.0.2"})


def wish(given_labels: dict[str, str] | None = None, **shape: Any) -> Cluster:
    base = builders.template().shape
    changed = replace(base, coe="lxd", image_id="image-1", labels=given_labels or {}, **shape)
    return builders.cluster(name="demo", shape=changed)


def boot(role: Role, *, balanced: bool = False) -> tuple[ClusterContext, MachineSpec, NodeConfig]:
    cluster = wish()
    context = context_of(DRIVER, IMAGE, cluster, builders.groups(cluster))
    context = replace(context, endpoint=replace(context.endpoint, balanced=balanced))
    machine = next(m for m in specs_of(cluster, context.groups) if m.role is role)
    return context, machine, DRIVER.node_config(context, machine)


def files(config: NodeConfig) -> dict[str, bytes]:
    return {file.path: file.content for file in config.files}


@pytest.mark.parametrize(
    ("given_labels", "field", "part"),
    [
        ({"lxd_tag": "v6.0"}, "labels.lxd_tag", "holds LXD v5.0.2"),
        ({"container_network_cidr": "10.201.0.0/24"}, "labels.container_network_cidr", "of length 16"),
        ({"container_network_cidr": "x"}, "labels.container_network_cidr", "of length 16"),
    ],
)
def test_labels_that_cannot_be_served(given_labels: dict[str, str], field: str, part: str) -> None:
    cluster = wish(given_labels)
    [problem] = DRIVER.validate(cluster, builders.groups(cluster), IMAGE)
    assert problem.field == field
    assert part in f"{problem.message} {problem.hint}"


@pytest.mark.parametrize(
    ("shape", "field"),
    [
        ({"network_driver": "flannel"}, "network_driver"),
        ({"volume_driver": "cinder"}, "volume_driver"),
        ({"tls_disabled": True}, "tls_disabled"),
        ({"registry_enabled": True}, "registry_enabled"),
        ({"insecure_registry": "192.0.2.9"}, "insecure_registry"),
        ({"http_proxy": "http://proxy\nExecStart=/bin/true"}, "http_proxy"),
    ],
)
def test_shapes_that_cannot_be_served(shape: dict[str, Any], field: str) -> None:
    cluster = wish(**shape)
    assert [p.field for p in DRIVER.validate(cluster, builders.groups(cluster), IMAGE)] == [field]


def test_every_member_knows_the_clusters_certificate_beforehand_and_only_the_first_its_key() -> None:
    context, _, first = boot(Role.CONTROL_PLANE)
    _, machine, other = boot(Role.WORKER)
    cert = files(first)["/etc/jeroboam/lxd/cluster.crt"]
    parsed = x509.load_pem_x509_certificate(cert)
    parsed.verify_directly_issued_by(x509.load_pem_x509_certificate(context.secrets.ca.cert_pem))
    assert parsed.subject.rfc4514_string() == "CN=lxd-cluster,O=lxd-members"
    join = json.loads(files(other)["/etc/jeroboam/lxd/join.json"])["cluster"]
    assert join["server_name"] == machine.name
    assert join["cluster_address"] == "10.0.0.10:8443"
    assert join["server_address"] == "@ADDRESS@:8443"
    assert "/etc/jeroboam/lxd/cluster.key" in files(first)
    assert "/etc/jeroboam/lxd/cluster.key" not in files(other)


def test_the_password_is_in_files_for_root_only() -> None:
    context, _, config = boot(Role.CONTROL_PLANE)
    password = context.secrets.tokens["join"].reveal()
    holding = [file for file in config.files if password in file.content]
    assert sorted(file.path for file in holding) == ["/etc/jeroboam/lxd/found.json", "/etc/jeroboam/lxd/join.json"]
    assert {file.mode for file in holding} == {0o600}
    assert not any(password.decode() in " ".join(command.argv) for command in config.commands)


def test_the_first_of_several_looks_for_an_older_cluster_first() -> None:
    alone = next(c.argv[-1] for c in boot(Role.CONTROL_PLANE)[2].commands if c.name == "cluster")
    several = next(c.argv[-1] for c in boot(Role.CONTROL_PLANE, balanced=True)[2].commands if c.name == "cluster")
    assert (alone, several) == ("0", "10")


def test_the_containers_network_is_written_as_its_first_half() -> None:
    _, _, config = boot(Role.WORKER)
    assert files(config)["/etc/jeroboam/bridge"] == b"PREFIX=10.201\nENDPOINT=10.0.0.10\nPORT=8443\n"


def test_users_get_an_https_address_and_nobody_one_that_cannot_be_reached() -> None:
    endpoint = boot(Role.WORKER)[0].endpoint
    assert DRIVER.api_address(endpoint) == "https://127.0.0.1:26443"
    assert DRIVER.api_address(Endpoint(endpoint.inside, None)) is None


def test_the_plugin_has_no_options() -> None:
    assert plugin.create({}).name == "lxd"
    with pytest.raises(ConfigError, match=r"\[lxd_driver\] colour is not an option"):
        plugin.create({"colour": "red"})
