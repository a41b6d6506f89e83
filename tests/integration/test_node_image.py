"""The node image on a real Docker daemon: built, started, and quick because nothing is copied."""

import asyncio
import subprocess
import time
from collections.abc import Iterator

import pytest

from jeroboam import artifacts
from jeroboam.artifacts.catalogue import catalogue

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.timeout(3000)]
NAME = "jeroboam-test-node-image"
CAPABILITIES = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
]


def docker(*argv: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image() -> artifacts.NodeImage:
    return asyncio.run(artifacts.build_node_image())


@pytest.fixture
def node(image: artifacts.NodeImage) -> Iterator[str]:
    docker("rm", "-fv", NAME, check=False)
    docker("volume", "rm", "-f", NAME)
    options = [f"--cap-add={cap}" for cap in CAPABILITIES]
    options += [f"--security-opt={kind}=unconfined" for kind in ("seccomp", "apparmor", "systempaths")]
    options += ["--device-cgroup-rule=a *:* rwm", "--tmpfs=/run", "--tmpfs=/tmp", "--cgroupns=private"]
    options += [f"--mount=type=volume,source={NAME},target=/data,volume-nocopy", "--hostname", NAME]
    docker("run", "-d", "-t", "--name", NAME, *options, image.tag)
    yield NAME
    docker("rm", "-fv", NAME)
    docker("volume", "rm", "-f", NAME)


def in_node(script: str) -> str:
    return docker("exec", NAME, "sh", "-c", script)


def wait_for_systemd() -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        state = docker("exec", NAME, "systemctl", "is-system-running", check=False)
        if state in ("running", "degraded"):
            return state
        time.sleep(0.1)
    return docker("logs", "--tail", "40", NAME)


def test_the_same_recipe_is_not_built_again(image: artifacts.NodeImage) -> None:
    assert asyncio.run(artifacts.build_node_image()) == image
    assert image in asyncio.run(artifacts.list_node_images())


def test_a_node_boots_with_all_images_and_copies_next_to_nothing(node: str) -> None:
    assert wait_for_systemd() == "running"
    _, release = catalogue().find(None)
    baked = set(in_node("ctr -n k8s.io images ls -q").split())
    assert {image.name for image in release.images} <= baked
    assert int(in_node("du -sk /data").split()[0]) < 20_000


def test_baked_images_run_and_the_machine_id_survives_a_restart(node: str) -> None:
    assert wait_for_systemd() == "running"
    etcd = in_node("ctr -n k8s.io run --rm registry.k8s.io/etcd:3.6.5-0 probe etcd --version")
    assert "etcd Version: 3.6.5" in etcd
    proxy = in_node("ctr -n k8s.io run --rm registry.k8s.io/kube-proxy:v1.34.4 probe2 iptables -V")
    assert proxy.startswith("iptables v1.8")
    before = in_node("cat /etc/machine-id")
    docker("restart", "-t", "5", NAME)
    assert wait_for_systemd() == "running"
    assert in_node("cat /etc/machine-id") == before
    assert len(before) == 32


def test_kubelet_and_kubeadm_are_of_the_version_that_the_image_says(node: str, image: artifacts.NodeImage) -> None:
    assert in_node("kubelet --version") == f"Kubernetes {image.version}"
    assert in_node("kubeadm version -o short") == image.version
