"""Driver swarm without a cluster: what it refuses, what it writes, and what it reads of a swarm's nodes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from jeroboam import pki
from jeroboam.contracts import ClusterContext, Image, MachineSpec, NodeConfig, NodeMark
from jeroboam.domain import Cluster, Role
from jeroboam.domain.errors import ConfigError
from jeroboam.drivers.swarm import SwarmDriver, health, marks, plugin
from jeroboam.drivers.swarm.engine import Engine
from jeroboam.testing import builders
from jeroboam.testing.driver_suite import context_of, specs_of

DRIVER = SwarmDriver()
IMAGE = Image("image-1", "node", {"os_distro": "debian", "docker_version": "v20.10.24"})


def wish(given_labels: dict[str, str] | None = None, **shape: Any) -> Cluster:
    base = builders.template().shape
    changed = replace(base, coe="swarm", image_id="image-1", labels=given_labels or {}, **shape)
    return builders.cluster(name="demo", shape=changed)


def boot(role: Role, cluster: Cluster | None = None) -> tuple[ClusterContext, MachineSpec, NodeConfig]:
    cluster = cluster or wish()
    context = context_of(DRIVER, IMAGE, cluster, builders.groups(cluster))
    machine = next(m for m in specs_of(cluster, context.groups) if m.role is role)
    return context, machine, DRIVER.node_config(context, machine)


def files(config: NodeConfig) -> dict[str, bytes]:
    return {file.path: file.content for file in config.files}


@pytest.mark.parametrize(
    ("given_labels", "field", "part"),
    [
        ({"docker_tag": "v25.0.0"}, "labels.docker_tag", "holds Docker Engine v20.10.24"),
        ({"swarm_addr_pool": "10.0.0.1/16"}, "labels.swarm_addr_pool", "an IPv4 network"),
        ({"swarm_subnet_bits": "15"}, "labels.swarm_subnet_bits", "from 16 to 28"),
        ({"swarm_subnet_bits": "x"}, "labels.swarm_subnet_bits", "from 16 to 28"),
        ({"swarm_addr_pool": "10.0.0.0/24"}, "labels.swarm_subnet_bits", "above the length"),
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
        ({"volume_driver": "rexray"}, "volume_driver"),
        ({"tls_disabled": True}, "tls_disabled"),
        ({"registry_enabled": True}, "registry_enabled"),
        ({"https_proxy": "http://a\nb"}, "https_proxy"),
    ],
)
def test_shapes_that_cannot_be_served(shape: dict[str, Any], field: str) -> None:
    cluster = wish(**shape)
    assert [p.field for p in DRIVER.validate(cluster, builders.groups(cluster), IMAGE)] == [field]


def test_an_image_that_is_no_swarm_image_and_taints_are_refused_at_once() -> None:
    cluster = wish()
    groups = [replace(g, node_taints=({"key": "k", "effect": "NoSchedule"},)) for g in builders.groups(cluster)[1:]]
    groups = [builders.groups(cluster)[0], *groups]
    problems = DRIVER.validate(cluster, groups, Image("image-1", "node", {"os_distro": "debian"}))
    assert [p.field for p in problems] == ["image_id", "node_taints"]


def test_only_a_manager_serves_the_docker_api_and_only_over_tls() -> None:
    _, _, manager = boot(Role.CONTROL_PLANE)
    _, _, worker = boot(Role.WORKER)
    daemon = json.loads(files(manager)["/etc/docker/daemon.json"])
    assert daemon["hosts"] == ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2376"]
    assert daemon["tlsverify"] is True
    assert daemon["tlscacert"] == "/etc/docker/tls/ca.pem"
    assert json.loads(files(worker)["/etc/docker/daemon.json"])["hosts"] == ["unix:///var/run/docker.sock"]
    assert not [path for path in files(worker) if path.startswith("/etc/docker/tls")]


def test_the_api_certificate_names_where_users_and_nodes_find_it() -> None:
    context, machine, config = boot(Role.CONTROL_PLANE)
    cert = x509.load_pem_x509_certificate(files(config)["/etc/docker/tls/cert.pem"])
    cert.verify_directly_issued_by(x509.load_pem_x509_certificate(context.secrets.ca.cert_pem))
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(str(ip) for ip in names.get_values_for_type(x509.IPAddress)) == ["10.0.0.10", "127.0.0.1"]
    assert sorted(names.get_values_for_type(x509.DNSName)) == sorted(["localhost", machine.name])
    usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize(("role", "name"), [(Role.CONTROL_PLANE, "manager"), (Role.WORKER, "worker")])
def test_a_node_asks_for_a_token_by_a_certificate_that_opens_nothing_else(role: Role, name: str) -> None:
    context, machine, config = boot(role)
    cert = x509.load_pem_x509_certificate(files(config)["/etc/jeroboam/join/cert.pem"])
    cert.verify_directly_issued_by(x509.load_pem_x509_certificate(context.secrets.etcd_ca.cert_pem))
    assert cert.subject.rfc4514_string() == f"CN={name},O={machine.name}"


@pytest.mark.parametrize("balanced", [False, True])
def test_only_a_manager_without_others_answers_before_there_is_a_swarm(balanced: bool) -> None:
    context, machine, _ = boot(Role.CONTROL_PLANE)
    context = replace(context, endpoint=replace(context.endpoint, balanced=balanced))
    names = [command.name for command in DRIVER.node_config(context, machine).commands]
    assert names[-2:] == (["swarm", "join-tokens"] if balanced else ["join-tokens", "swarm"])


def test_while_cas_are_rotated_a_node_trusts_both_and_shows_the_way_from_the_former() -> None:
    context, machine, before = boot(Role.CONTROL_PLANE)
    renewed = pki.renewed(context.secrets, "demo", datetime.now(UTC), cas=True)
    both = files(DRIVER.node_config(replace(context, secrets=renewed), machine))
    after = files(DRIVER.node_config(replace(context, secrets=pki.settled(renewed)), machine))
    for folder, present, former in (
        ("/etc/docker/tls", renewed.ca, renewed.former["ca"]),
        ("/etc/jeroboam/join", renewed.etcd_ca, renewed.former["etcd-ca"]),
    ):
        assert both[f"{folder}/ca.pem"] == present.cert_pem + former.cert_pem
        assert after[f"{folder}/ca.pem"] == present.cert_pem
        assert former.cert_pem == files(before)[f"{folder}/ca.pem"]
        assert both[f"{folder}/cert.pem"] == after[f"{folder}/cert.pem"] + former.link_pem
        assert both[f"{folder}/key.pem"] == after[f"{folder}/key.pem"]


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ("v20.10.24", "v26.1.5", False),
        ("v20.10.24", "v20.10.24", False),
        ("v20.10.24", "v20.10.5", True),
        ("v26.1.5", "v20.10.24", True),
        ("", "v26.1.5", False),
    ],
)
def test_an_engine_goes_forward_only(before: str, after: str, refused: bool) -> None:
    old, new = (Image(word, "node", {"docker_version": version}) for word, version in (("a", before), ("b", after)))
    found = DRIVER.check_upgrade(old, new, ({}, {}))
    assert [problem.field for problem in found] == (["cluster_template"] if refused else [])
    assert all(before in problem.message and after in problem.message for problem in found)


def test_tokens_are_no_arguments() -> None:
    _, _, config = boot(Role.WORKER)
    script = next(command.argv[2] for command in config.commands if command.name == "swarm")
    assert "--token" not in script
    assert config.commands[-1].name == "swarm"


@pytest.mark.parametrize(("label", "made"), [("true", True), ("false", False)])
def test_an_encrypted_network_comes_with_the_swarm_where_it_is_asked_for(label: str, made: bool) -> None:
    cluster = wish({"swarm_encrypted_overlay": label})
    commands = {role: [c.name for c in boot(role, cluster)[2].commands] for role in Role}
    assert ("encrypted-network" in commands[Role.CONTROL_PLANE]) is made
    assert "encrypted-network" not in commands[Role.WORKER]


def test_the_tenants_name_servers_proxy_and_registry_reach_the_engine() -> None:
    cluster = wish(
        dns_nameserver="192.0.2.1, 192.0.2.2", http_proxy="http://proxy:3128", insecure_registry="192.0.2.9:5000"
    )
    written = files(boot(Role.WORKER, cluster)[2])
    daemon = json.loads(written["/etc/docker/daemon.json"])
    assert daemon["dns"] == ["192.0.2.1", "192.0.2.2"]
    assert daemon["insecure-registries"] == ["192.0.2.9:5000"]
    assert b"HTTP_PROXY=http://proxy:3128" in written["/etc/systemd/system/docker.service.d/proxy.conf"]


def test_a_machine_made_anew_hides_its_former_self() -> None:
    def node(ident: str, state: str, made: str) -> dict[str, Any]:
        described = {"Hostname": "worker-0", "Engine": {}}
        return {"ID": ident, "CreatedAt": made, "Description": described, "Status": {"State": state}}

    former, present = node("a", "down", "2026-01-02T00:00:00Z"), node("b", "ready", "2026-01-01T00:00:00Z")
    assert health.latest([present, former])["worker-0"]["ID"] == "b"
    newer = node("c", "down", "2026-01-03T00:00:00Z")
    assert health.latest([newer, former])["worker-0"]["ID"] == "c"


class NewLeader:
    """An engine that has led for a moment."""

    async def info(self) -> dict[str, Any]:
        return {"ServerVersion": "26.1.5", "Swarm": {"ControlAvailable": True}}

    async def nodes(self) -> list[dict[str, Any]]:
        said = {"ready": "", "unknown": "Node moved", "down": "heartbeat failure"}
        return [
            {
                "CreatedAt": "2026-01-01",
                "Description": {"Hostname": f"worker-{state}"},
                "Status": {"State": state, "Message": why},
            }
            for state, why in said.items()
        ]


async def test_a_node_that_a_new_leader_has_not_heard_of_yet_is_undecided() -> None:
    seen = await health.look(cast(Engine, NewLeader()), [])
    assert [(node.name, node.ready, node.reason, node.undecided) for node in seen.nodes] == [
        ("worker-down", False, "down: heartbeat failure", False),
        ("worker-ready", True, "", False),
        ("worker-unknown", False, "unknown: Node moved", True),
    ]


def test_the_plugin_has_no_options() -> None:
    assert plugin.create({}).name == "swarm"
    with pytest.raises(ConfigError, match=r"\[swarm_driver\] colour is not an option"):
        plugin.create({"colour": "red"})


def test_labels_follow_the_wish_and_those_set_by_hand_stay() -> None:
    wish = NodeMark("worker-0", "docker:///abc", {"disk": "ssd"}, group="default-worker")
    whole = {
        "jeroboam.group": "default-worker",
        "jeroboam.server": "docker:///abc",
        "jeroboam.labels": "disk",
        "disk": "ssd",
    }
    assert marks.plan({"Spec": {}}, wish) == whole
    assert marks.plan({"Spec": {"Labels": whole}}, wish) is None
    by_hand = {"Spec": {"Labels": whole | {"mine": "1", "disk": "hdd"}}}
    assert marks.plan(by_hand, wish) == whole | {"mine": "1"}
    other = NodeMark("worker-0", "docker:///abc", {}, group="default-worker")
    left = {"jeroboam.group": "default-worker", "jeroboam.server": "docker:///abc", "mine": "1"}
    assert marks.plan(by_hand, other) == left
