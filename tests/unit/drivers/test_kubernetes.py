"""Driver kubernetes without a cluster: what it refuses, and what it writes."""

import base64
from dataclasses import replace
from typing import Any

import pytest
import yaml
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from jeroboam.contracts import ClusterContext, Image, MachineSpec, NodeConfig, PodRange, Problem
from jeroboam.domain import Cluster, Role, Status
from jeroboam.drivers.kubernetes import KubernetesDriver, kubeadm, labels
from jeroboam.testing import builders
from jeroboam.testing.driver_suite import context_of, specs_of

DRIVER = KubernetesDriver()
IMAGE = Image("image-1", "node", {"os_distro": "debian", "kube_version": "v1.34.4", "oci_runtimes": "runc,crun"})


def wish(given_labels: dict[str, str] | None = None, **shape: Any) -> Cluster:
    base = builders.template().shape
    return builders.cluster(name="demo", shape=replace(base, image_id="image-1", labels=given_labels or {}, **shape))


def boot(
    role: Role, cluster: Cluster | None = None
) -> tuple[ClusterContext, MachineSpec, dict[str, bytes], NodeConfig]:
    cluster = cluster or wish()
    context = context_of(DRIVER, IMAGE, cluster, builders.groups(cluster))
    machine = next(m for m in specs_of(cluster, context.groups) if m.role is role)
    config = DRIVER.node_config(context, machine)
    return context, machine, {file.path: file.content for file in config.files}, config


@pytest.mark.parametrize(
    ("given_labels", "field", "part"),
    [
        ({"kube_tag": "v1.33.0"}, "labels.kube_tag", "holds Kubernetes v1.34.4"),
        ({"flannel_backend": "udp"}, "labels.flannel_backend", "one of vxlan, host-gw, wireguard"),
        ({"container_runtime": "rkt"}, "labels.container_runtime", "= rkt is not usable. Give containerd."),
        ({"container_runtime": "cri-o"}, "labels.container_runtime", "neither has CRI-O. Give containerd."),
        ({"container_runtime": "docker"}, "labels.container_runtime", "neither has cri-dockerd"),
        (
            {"oci_runtimes": "runc,crunch"},
            "labels.oci_runtimes",
            "'crunch' is not known. Known are: runc, crun, runsc.",
        ),
        ({"oci_runtimes": "kata"}, "labels.oci_runtimes", "kata is not served: it runs each pod in a virtual machine"),
        ({"oci_runtimes": "runsc"}, "labels.oci_runtimes", "asks for runsc, but image node holds runc, crun."),
        ({"flannel_network_cidr": "10.0.0.1/16"}, "labels.flannel_network_cidr", "an IPv4 network"),
        ({"flannel_network_subnetlen": "16"}, "labels.flannel_network_subnetlen", "from 20 to 27"),
        ({"flannel_network_subnetlen": "x"}, "labels.flannel_network_subnetlen", "from 20 to 27"),
        ({"service_cluster_ip_range": "10.100.4.0/24"}, "labels.service_cluster_ip_range", "apart from the pods'"),
        ({"service_cluster_ip_range": "10.9.0.0/28"}, "labels.service_cluster_ip_range", "at least /24"),
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
        ({"network_driver": "calico"}, "network_driver"),
        ({"tls_disabled": True}, "tls_disabled"),
        ({"registry_enabled": True}, "registry_enabled"),
        ({"insecure_registry": "reg:5000"}, "insecure_registry"),
        ({"volume_driver": "cinder"}, "volume_driver"),
    ],
)
def test_shapes_that_cannot_be_served(shape: dict[str, Any], field: str) -> None:
    cluster = wish(**shape)
    assert [p.field for p in DRIVER.validate(cluster, builders.groups(cluster), IMAGE)] == [field]


def test_an_image_of_another_or_no_version_is_refused_and_all_problems_come_at_once() -> None:
    cluster = wish({"flannel_backend": "udp"}, tls_disabled=True)
    for properties in ({}, {"kube_version": "v1.20.0"}):
        problems = DRIVER.validate(cluster, builders.groups(cluster, control_planes=2), Image("i", "i", properties))
        assert {p.field for p in problems} == {"image_id", "labels.flannel_backend", "tls_disabled", "master_count"}


@pytest.mark.parametrize(
    ("running", "problem"),
    [
        ("v1.34.9", None),
        ("v1.37.0", None),
        ("v1.33.9", ("newer than the cluster's v1.33.9.", "Use a node image from v1.30 to v1.33.")),
        ("v1.38.0", ("more than 3 minors older than the cluster's v1.38.0.", "Use a node image from v1.35 to v1.38.")),
    ],
)
def test_a_live_cluster_takes_nodes_within_the_skew_whatever_its_kube_tag(
    running: str, problem: tuple[str, str] | None
) -> None:
    cluster = replace(wish({"kube_tag": "v1.36.3"}), coe_version=running, status=Status.UPDATE_COMPLETE)
    message = f"Image node holds Kubernetes v1.34.4, which is {problem[0]}" if problem else ""
    wanted = [Problem(message, "image_id", problem[1])] if problem else []
    assert DRIVER.validate(cluster, builders.groups(cluster), IMAGE) == wanted


def test_a_group_with_an_image_of_its_own_waits_until_the_cluster_is_up() -> None:
    coming = wish()
    first, second = builders.groups(coming)
    groups = [first, second, replace(second, name="old", image_id="other")]
    [problem] = DRIVER.validate(coming, groups, IMAGE)
    assert (problem.field, problem.hint) == (
        "image_id",
        "Use image-1, or add the node group when the cluster is complete.",
    )
    up = replace(coming, coe_version="v1.34.4", status=Status.CREATE_COMPLETE)
    assert DRIVER.validate(up, groups, IMAGE) == []


def test_a_node_of_another_version_gives_its_images_the_names_that_the_cluster_uses() -> None:
    cluster = replace(wish(), coe_version="v1.35.4")
    *_, config = boot(Role.WORKER, cluster)
    names = [one.name for one in config.commands]
    assert names.index("image-names") < names.index("kubelet")
    command = config.commands[names.index("image-names")]
    assert command.argv[4:] == (
        "registry.k8s.io/kube-proxy:v1.34.4",
        "registry.k8s.io/kube-proxy:v1.35.4",
        "registry.k8s.io/coredns/coredns:v1.12.1",
        "registry.k8s.io/coredns/coredns:v1.13.1",
    )
    for same in (None, "v1.34.4", "v1.99.0"):
        *_, config = boot(Role.WORKER, replace(cluster, coe_version=same))
        assert "image-names" not in {one.name for one in config.commands}


@given(st.dictionaries(st.sampled_from([spec.name for spec in labels.LABELS]), st.text(max_size=30)))
def test_junk_in_labels_is_a_problem_never_an_error(junk: dict[str, str]) -> None:
    cluster = wish(junk)
    problems = DRIVER.validate(cluster, builders.groups(cluster), IMAGE)
    assert all(problem.field.startswith("labels.") for problem in problems)


def test_the_control_plane_is_told_all_its_names_and_networks() -> None:
    _, machine, files, _ = boot(Role.CONTROL_PLANE)
    documents = {d["kind"]: d for d in yaml.safe_load_all(files["/etc/kubernetes/kubeadm.yaml"])}
    cluster = documents["ClusterConfiguration"]
    assert documents["InitConfiguration"]["nodeRegistration"]["name"] == machine.name
    assert cluster["apiServer"]["certSANs"] == ["10.0.0.10", "127.0.0.1", "localhost"]
    assert cluster["controlPlaneEndpoint"] == "10.0.0.10:6443"
    assert cluster["networking"]["podSubnet"] == "10.100.0.0/16"
    assert documents["KubeletConfiguration"]["clusterDNS"] == ["10.254.0.10"]
    assert {"name": "leader-elect", "value": "false"} in cluster["controllerManager"]["extraArgs"]


def test_a_worker_is_itself_and_no_other() -> None:
    context, machine, files, _ = boot(Role.WORKER)
    access = yaml.safe_load(files["/etc/kubernetes/kubelet.conf"])
    cert = x509.load_pem_x509_certificate(base64.b64decode(access["users"][0]["user"]["client-certificate-data"]))
    assert cert.subject.rfc4514_string() == f"CN=system:node:{machine.name},O=system:nodes"
    cert.verify_directly_issued_by(x509.load_pem_x509_certificate(context.secrets.ca.cert_pem))
    assert access["clusters"][0]["cluster"]["server"] == "https://10.0.0.10:6443"
    assert "/etc/kubernetes/pki/ca.key" not in files


def test_groups_tell_their_nodes_labels_and_taints() -> None:
    cluster = wish()
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    groups = builders.groups(cluster)
    groups[1] = replace(groups[1], node_labels={"disk": "ssd"}, node_taints=(taint,))
    context = context_of(DRIVER, IMAGE, cluster, groups)
    worker = specs_of(cluster, groups)[1]
    files = {f.path: f.content.decode() for f in DRIVER.node_config(context, worker).files}
    assert "disk=ssd" in files["/etc/default/kubelet"]
    assert "magnum.openstack.org/nodegroup=default-worker" in files["/etc/default/kubelet"]
    assert yaml.safe_load(files["/etc/kubernetes/kubelet.yaml"])["registerWithTaints"] == [taint]


def test_name_servers_and_proxies_of_the_tenant_reach_the_node() -> None:
    cluster = wish(dns_nameserver="192.0.2.1, 192.0.2.2", https_proxy="http://proxy:3128", no_proxy="10.0.0.0/8")
    _, _, files, _ = boot(Role.WORKER, cluster)
    assert files["/etc/kubelet-resolv.conf"] == b"nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
    proxy = files["/etc/systemd/system/containerd.service.d/proxy.conf"].decode()
    assert proxy == '[Service]\nEnvironment="HTTPS_PROXY=http://proxy:3128"\nEnvironment="NO_PROXY=10.0.0.0/8"\n'


@given(st.text(max_size=80))
def test_any_group_name_makes_a_valid_label(name: str) -> None:
    value = kubeadm.label_value(name)
    assert len(value) <= 63
    assert value == "" or (value[0].isalnum() and value[-1].isalnum())


def test_a_proxy_with_a_password_survives_the_unit_file_and_is_for_root_only() -> None:
    cluster = wish(https_proxy='http://ada:a%40"b@proxy:3128')
    _, _, files, config = boot(Role.WORKER, cluster)
    path = "/etc/systemd/system/containerd.service.d/proxy.conf"
    assert files[path].decode() == '[Service]\nEnvironment="HTTPS_PROXY=http://ada:a%%40\\"b@proxy:3128"\n'
    assert [file.mode for file in config.files if file.path == path] == [0o600]


def test_a_proxy_of_two_lines_is_refused() -> None:
    cluster = wish(http_proxy="http://proxy\nExecStart=/bin/true")
    assert [p.field for p in DRIVER.validate(cluster, builders.groups(cluster), IMAGE)] == ["http_proxy"]


def test_pods_are_routed_where_the_backend_is_host_gw() -> None:
    asked = wish({"flannel_backend": "host-gw", "flannel_network_cidr": "10.7.0.0/16"}).shape
    found = DRIVER.routed_pods(asked)
    assert found == PodRange("10.7.0.0/16", 24, "Label flannel_backend = host-gw", "labels.flannel_backend")
    for others in ({}, {"flannel_backend": "vxlan"}, {"flannel_backend": "host-gw", "flannel_network_cidr": "x"}):
        assert DRIVER.routed_pods(wish(others).shape) is None
