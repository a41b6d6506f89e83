"""Workers of Windows: what a Kubernetes and a Swarm cluster give them, what is refused, and what stays away from them."""

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jeroboam.bootstrap import render_windows
from jeroboam.contracts import Driver, Image, NodeConfig
from jeroboam.domain import Cluster, NodeGroup, Role, Status
from jeroboam.drivers import powershell
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.drivers.lxd import LxdDriver
from jeroboam.drivers.swarm import SwarmDriver
from jeroboam.testing import builders
from jeroboam.testing.driver_suite import context_of, specs_of

GOLDEN = Path(__file__).parent / "golden"
NODE = "C:\\ProgramData\\Jeroboam\\node\\"
VERSIONS = {"kube_version": "v1.34.4", "docker_version": "v26.1.5", "lxd_version": "5.0.2"}
LINUX = Image("image-1", "node", {"os_distro": "debian", **VERSIONS})
WINDOWS = Image("image-w", "node-windows", {"os_distro": "windows", "os_type": "windows", **VERSIONS})


def _cluster(coe: str, labels: dict[str, str], **shape: Any) -> tuple[Cluster, list[NodeGroup]]:
    """A finished one, with a group of two Windows workers."""
    base = replace(builders.template().shape, coe=coe, image_id="image-1", labels=labels, **shape)
    cluster = builders.cluster(
        uuid="5b2f1a3c-0000-4000-8000-000000000001", name="demo", shape=base, status=Status.CREATE_COMPLETE
    )
    groups = builders.groups(cluster)
    worker = replace(groups[1], name="win", image_id="image-w", is_default=False, node_labels={"tier": "web"})
    return cluster, [*groups, worker]


def _boot(driver: Driver, labels: dict[str, str], **shape: Any) -> NodeConfig:
    cluster, groups = _cluster(driver.capabilities.coe, labels, **shape)
    context = context_of(driver, WINDOWS, cluster, groups)
    machine = next(one for one in specs_of(cluster, groups) if one.group == "win")
    return driver.node_config(context, machine)


CASES = {
    "kubernetes": _boot(KubernetesDriver(), {"windows_nodes": "true"}),
    "swarm": _boot(SwarmDriver(), {}, dns_nameserver="192.0.2.53", insecure_registry="reg:5000"),
}


def _told(config: NodeConfig) -> dict[str, Any]:
    """Without what is of fresh keys, and without the scripts, which are files of their own."""
    files = {
        file.path: "(certificates)" if "ca.crt" in file.path or not file.mode & 0o077 else file.content.decode()
        for file in config.files
        if not file.path.endswith(".ps1")
    }
    commands = [{"name": one.name, "argv": list(one.argv), "timeout_s": one.timeout_s} for one in config.commands]
    return {"os": config.os, "hostname": config.hostname, "files": files, "commands": commands}


@pytest.mark.parametrize("name", CASES)
def test_what_a_worker_is_given_is_as_in_the_golden_file(name: str) -> None:
    assert yaml.safe_load((GOLDEN / f"windows-{name}.yaml").read_text()) == _told(CASES[name])


def test_an_address_that_an_earlier_run_took_is_given_back_before_another_is_asked_for() -> None:
    """host-local gives one to a container once. Source: CNI plugins, host-local, allocator.go, Get."""
    [script] = [file.content.decode() for file in CASES["kubernetes"].files if file.path.endswith("kube-proxy.ps1")]
    assert [line.strip() for line in script.splitlines() if "CNI_COMMAND" in line or "| & " in line] == [
        "$env:CNI_COMMAND = 'DEL'",
        r'$words | & "$env:CNI_PATH\host-local.exe" | Out-Null',
        "$env:CNI_COMMAND = 'ADD'",
        r'$said = $words | & "$env:CNI_PATH\host-local.exe"',
    ]


@pytest.mark.parametrize("name", CASES)
def test_every_step_has_its_script_and_every_secret_is_closed(name: str) -> None:
    config = CASES[name]
    paths = {file.path for file in config.files}
    assert {one.argv[6] for one in config.commands} <= paths
    assert not [one.name for one in config.commands if one.background]
    document = json.loads(render_windows(config))
    for file in document["files"]:
        assert file["closed"] == (file["path"].endswith((".conf", "join.json")) and "cni" not in file["path"]), file[
            "path"
        ]
    secret = [file.content for file in config.files if b"PRIVATE KEY" in file.content and file.mode & 0o077]
    assert secret == []


def test_a_kubernetes_worker_is_tainted_and_says_what_group_it_is_of() -> None:
    files = {file.path: file.content for file in CASES["kubernetes"].files}
    kubelet = yaml.safe_load(files[f"{NODE}kubelet.yaml"])
    assert kubelet["registerWithTaints"] == [{"key": "os", "value": "windows", "effect": "NoSchedule"}]
    words = next(one for one in CASES["kubernetes"].commands if one.name == "kubelet").argv[8]
    assert "magnum.openstack.org/nodegroup=win" in words
    assert "tier=web" in words


def test_each_identity_is_what_the_api_server_knows_it_by() -> None:
    found = {}
    for file in CASES["kubernetes"].files:
        if file.path.startswith(NODE) and file.path.endswith(".conf"):
            [user] = yaml.safe_load(file.content)["users"]
            pem = b64decode(user["user"]["client-certificate-data"])
            found[file.path.rpartition("\\")[2]] = x509.load_pem_x509_certificate(pem).subject.rfc4514_string()
    name = CASES["kubernetes"].hostname
    assert found == {
        "kubelet.conf": f"CN=system:node:{name},O=system:nodes",
        "flannel.conf": f"CN=jeroboam:flannel:{name},O=jeroboam:flannel",
        "kube-proxy.conf": f"CN=system:kube-proxy,O=jeroboam:{name}",
    }


def test_a_swarm_worker_shows_a_certificate_for_workers_with_its_own_key() -> None:

    [words] = [json.loads(file.content) for file in CASES["swarm"].files if file.path.endswith("join.json")]
    cert = x509.load_der_x509_certificate(b64decode(words["cert"]))
    assert cert.subject.rfc4514_string() == f"CN=worker,O={CASES['swarm'].hostname}"
    key = ec.derive_private_key(int.from_bytes(b64decode(words["d"])), ec.SECP256R1()).public_key()
    numbers = key.public_numbers()
    assert (numbers.x.to_bytes(32), numbers.y.to_bytes(32)) == (b64decode(words["x"]), b64decode(words["y"]))
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert cert.public_key().public_bytes(*form) == key.public_bytes(*form)
    ca = x509.load_der_x509_certificate(b64decode(words["trusted"][0]))
    cert.verify_directly_issued_by(ca)


def test_flannel_speaks_as_windows_does_only_where_it_was_wished() -> None:
    for labels, backend, applied in (
        ({}, {"Type": "vxlan"}, {"flannel", "coredns", "runtimes"}),
        (
            {"windows_nodes": "true"},
            {"Type": "vxlan", "VNI": 4096, "Port": 4789},
            {"flannel", "coredns", "runtimes", "windows"},
        ),
    ):
        cluster, groups = _cluster("kubernetes", labels)
        driver = KubernetesDriver()
        head = next(one for one in specs_of(cluster, groups) if one.role is Role.CONTROL_PLANE)
        config = driver.node_config(context_of(driver, LINUX, cluster, groups), head)
        addons = {
            Path(f.path).stem: f.content.decode() for f in config.files if f.path.startswith("/etc/kubernetes/addons/")
        }
        assert set(addons) == applied
        [text] = [
            one["data"]["net-conf.json"] for one in yaml.safe_load_all(addons["flannel"]) if one["kind"] == "ConfigMap"
        ]
        assert json.loads(text)["Backend"] == backend


def _pods(document: Any) -> Iterator[Any]:
    if isinstance(document, dict):
        if "containers" in document:
            yield document
        for value in document.values():
            yield from _pods(value)


def test_pods_of_add_ons_stay_on_linux() -> None:
    """kube-proxy is kubeadm's own, which says so, too."""
    folder = resources.files("jeroboam.drivers.kubernetes") / "manifests"
    pods = [pod for file in folder.iterdir() for one in yaml.safe_load_all(file.read_text()) for pod in _pods(one)]
    assert len(pods) == 2
    assert [pod["nodeSelector"] for pod in pods] == [{"kubernetes.io/os": "linux"}] * 2


def _refused(driver: Driver, labels: dict[str, str], image: Image, *, alone: bool = False, **shape: Any) -> list[str]:
    cluster, groups = _cluster(driver.capabilities.coe, labels, **shape)
    if alone:  # the template's image is of Windows
        cluster = replace(cluster, status=Status.CREATE_IN_PROGRESS)
        groups = [replace(group, image_id=image.id) for group in groups[:2]]
    return [f"{one.field}: {one.message}" for one in driver.validate(cluster, groups, image)]


@pytest.mark.parametrize("driver", [KubernetesDriver(), SwarmDriver()], ids=["kubernetes", "swarm"])
def test_windows_beside_linux_is_served_and_in_its_place_refused(driver: Driver) -> None:
    labels = {"windows_nodes": "true"} if driver.name == "kubernetes" else {}
    assert _refused(driver, labels, WINDOWS) == []
    assert _refused(driver, labels, LINUX) == []
    assert _refused(driver, labels, WINDOWS, alone=True) == [
        "image_id: Image node-windows holds Windows, and a control plane on Windows is not served."
    ]
    assert _refused(driver, labels, WINDOWS, server_type="container") == [
        "image_id: A node of Windows is no server of type container."
    ]


def test_a_cluster_whose_pods_windows_could_not_reach_takes_none() -> None:
    said = "Image node-windows holds Windows, whose pods the other pods of this cluster would not reach."
    assert _refused(KubernetesDriver(), {}, WINDOWS) == [f"labels.windows_nodes: {said}"]
    wrong = {"windows_nodes": "true", "flannel_backend": "host-gw"}
    assert _refused(KubernetesDriver(), wrong, LINUX) == [
        "labels.flannel_backend: Label flannel_backend = host-gw is not usable."
    ]
    assert _refused(KubernetesDriver(), {"windows_nodes": "some"}, LINUX) == [
        "labels.windows_nodes: Label windows_nodes = some is not usable."
    ]


def test_lxd_has_no_nodes_of_windows() -> None:
    assert "image_id: Image node-windows holds Windows, which LXD does not run on." in _refused(
        LxdDriver(), {}, WINDOWS
    )


def test_proxies_of_the_tenant_reach_the_services_and_no_command_line() -> None:
    proxies = {"http_proxy": "http://ada:pass@proxy:3128", "no_proxy": "10.0.0.0/8"}
    for driver, labels, name in (
        (KubernetesDriver(), {"windows_nodes": "yes"}, "containerd"),
        (SwarmDriver(), {}, "engine"),
    ):
        config = _boot(driver, labels, **proxies)
        [told] = [file for file in config.files if file.path == powershell.PROXIES]
        assert told.content == b"HTTP_PROXY=http://ada:pass@proxy:3128\r\nNO_PROXY=10.0.0.0/8\r\n"
        assert told.mode == 0o600
        [script] = [file for file in config.files if file.path == powershell.path_of(name)]
        assert f"$proxies = '{powershell.PROXIES}'" in script.content.decode()
        assert not [one for one in config.commands if "ada:pass" in " ".join(one.argv)]
        assert powershell.PROXIES not in {file.path for file in _boot(driver, labels).files}
