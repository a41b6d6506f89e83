"""The yardstick: the same cluster made by hand from the same node image, without Jeroboam.

All: docker run for all nodes side by side. Kubernetes: kubeadm init, kubeadm join for all workers side by side, kubectl apply of the pod
network. Swarm: dockerd and docker load side by side, docker swarm init, docker swarm join side by side. LXD: lxd side by side, lxd init,
then one join after the other, since LXD deadlocks when two join at once.
"""

from __future__ import annotations

import json
import subprocess
import uuid
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import resources
from string import Template

import yaml

from jeroboam.providers.docker.machine import CAPABILITIES

_TOKEN = "abcdef.0123456789abcdef"
_PODS = "10.244.0.0/16"  # apart from kubeadm's default for Services, 10.96.0.0/12
LXD = ("-e", "LXD_DIR=/data/lxd")
# Unprivileged containers may mount proc and sysfs only where a whole one of each can be seen.
_LXD_NEEDS = (
    "mkdir -p /var/log/lxd /dev/.lxc/proc /dev/.lxc/sys && mkdir -m 711 /data/lxd && mount -t proc proc /dev/.lxc/proc && "
    "mount -t sysfs sysfs /dev/.lxc/sys && mount -o remount,rw /sys"
)
_BRIDGE = {"ipv4.address": "10.199.0.1/24", "ipv4.nat": "true", "ipv6.address": "none"}  # LXD finds none by itself here
_KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/super-admin.conf")


def docker(*argv: str, stdin: str | None = None, check: bool = True, timeout_s: float = 300) -> str:
    """Output of a docker command."""
    done = subprocess.run(
        ["docker", *argv], input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if check and done.returncode:
        raise RuntimeError(f"docker {' '.join(argv[:4])}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


@dataclass
class ByHand(ABC):
    """One cluster by hand. `make()`, then `remove()`."""

    image: str
    workers: int
    name: str = field(default_factory=lambda: f"byhand-{uuid.uuid4().hex[:6]}")

    @property
    def first(self) -> str:
        return f"{self.name}-0"

    @property
    def nodes(self) -> list[str]:
        return [f"{self.name}-{number}" for number in range(self.workers + 1)]

    def make(self) -> None:
        """Until the last command has returned."""
        docker("network", "create", self.name)
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(self._run, self.nodes))
            self._form(side_by_side)

    def remove(self) -> None:
        """Nothing is left."""
        for node in self.nodes:
            docker("rm", "-fv", node, check=False)
            docker("volume", "rm", "-f", node, check=False)
        docker("network", "rm", self.name, check=False)

    @abstractmethod
    def _form(self, side_by_side: ThreadPoolExecutor) -> None:
        """Make a cluster of the running nodes."""

    def _run(self, node: str) -> None:
        options = [f"--cap-add={capability}" for capability in CAPABILITIES]
        options += [f"--security-opt={kind}=unconfined" for kind in ("seccomp", "apparmor", "systempaths")]
        options += ["--device-cgroup-rule=a *:* rwm", "--tmpfs=/run:exec", "--tmpfs=/tmp:exec", "--cgroupns=private"]
        options += [f"--mount=type=volume,source={node},target=/data,volume-nocopy", "--network", self.name]
        docker("run", "-d", "-t", "--name", node, "--hostname", node, *options, self.image)
        docker("exec", node, "sh", "-c", "until systemctl is-active -q basic.target; do sleep 0.1; done")

    def _address(self, node: str) -> str:
        return docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", node)


class KubernetesByHand(ByHand):
    """kubeadm."""

    def _form(self, side_by_side: ThreadPoolExecutor) -> None:
        up = ("sh", "-c", "until systemctl is-active -q containerd; do sleep 0.1; done")
        list(side_by_side.map(lambda node: docker("exec", node, *up), self.nodes))
        driver = self._driver()
        config = _init(driver, self._version())
        docker("exec", "-i", self.first, "tee", "/etc/kubernetes/kubeadm.yaml", stdin=config)
        init = ("kubeadm", "init", "--config=/etc/kubernetes/kubeadm.yaml", "--skip-phases=preflight")
        docker("exec", self.first, *init)
        list(side_by_side.map(self._join, self.nodes[1:]))
        docker("exec", "-i", self.first, *_KUBECTL, "apply", "-f", "-", stdin=self._flannel())

    def _join(self, node: str) -> None:
        """As kubeadm's own unit of the kubelet has it: the join leaves a bootstrap kubeconfig for it."""
        arguments = "KUBELET_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf\n"
        docker("exec", "-i", node, "tee", "/etc/default/kubelet", stdin=arguments)
        words = ("--token", _TOKEN, "--discovery-token-unsafe-skip-ca-verification", "--skip-phases=preflight")
        docker("exec", node, "kubeadm", "join", f"{self.first}:6443", *words)

    def _driver(self) -> str:
        return docker("exec", self.first, "cat", "/run/jeroboam/cgroup-driver")

    def _version(self) -> str:
        return docker("image", "inspect", "-f", '{{index .Config.Labels "kube_version"}}', self.image)

    def _flannel(self) -> str:
        """The manifest that Jeroboam applies, so that the difference is the way and not the parts."""
        listed = json.loads(docker("image", "inspect", self.image))[0]["Config"]["Labels"]["jeroboam.manifest"]
        image = next(name for name in json.loads(listed)["images"] if "/flannel:" in name)
        text = resources.files("jeroboam.drivers.kubernetes").joinpath("manifests/flannel.yaml").read_text()
        host = self._address(self.first)
        return Template(text).substitute(pods=_PODS, backend="vxlan", flannel_image=image, api_host=host, api_port=6443)


class SwarmByHand(ByHand):
    """docker swarm."""

    def _form(self, side_by_side: ThreadPoolExecutor) -> None:
        list(side_by_side.map(self._engine, self.nodes))
        docker("exec", self.first, "docker", "swarm", "init", "--advertise-addr", self._address(self.first))
        token = docker("exec", self.first, "docker", "swarm", "join-token", "-q", "worker")
        join = ("docker", "swarm", "join", "--token", token, f"{self._address(self.first)}:2377")
        list(side_by_side.map(lambda node: docker("exec", node, *join), self.nodes[1:]))

    def _engine(self, node: str) -> None:
        settings = json.dumps({"hosts": ["unix:///var/run/docker.sock"], "storage-driver": "overlay2"})
        docker("exec", "-i", node, "tee", "/etc/docker/daemon.json", stdin=settings)
        docker("exec", node, "systemctl", "start", "docker")
        docker("exec", node, "docker", "load", "-q", "-i", "/opt/jeroboam/images/hello.tar")


class LxdByHand(ByHand):
    """lxd init, and a bridge that LXD manages."""

    def _form(self, side_by_side: ThreadPoolExecutor) -> None:
        list(side_by_side.map(self._daemon, self.nodes))
        self._init(self.first, _found(self.first, self._address(self.first)))
        cert = docker("exec", self.first, "cat", "/data/lxd/cluster.crt")
        for node in self.nodes[1:]:
            self._init(node, _member(node, self._address(node), self._address(self.first), cert))
        docker(
            "exec", *LXD, self.first, "lxc", "image", "import", "/opt/jeroboam/images/small.tar.gz", "--alias", "small"
        )

    def _daemon(self, node: str) -> None:
        docker("exec", node, "sh", "-c", _LXD_NEEDS)
        unit = ("--unit=lxd-by-hand", "-p", "Delegate=yes", "-p", "KillMode=process", "--setenv=LXD_DIR=/data/lxd")
        docker("exec", node, "systemd-run", "-q", *unit, "lxd", "--group", "root")
        docker("exec", *LXD, node, "lxd", "waitready", "--timeout=60")

    def _init(self, node: str, preseed: dict[str, object]) -> None:
        docker("exec", "-i", *LXD, node, "lxd", "init", "--preseed", stdin=json.dumps(preseed))


def _found(node: str, address: str) -> dict[str, object]:
    card = {"name": "eth0", "network": "lxdbr0", "type": "nic"}
    return {
        "config": {"core.https_address": f"{address}:8443", "core.trust_password": _TOKEN},
        "storage_pools": [{"name": "default", "driver": "dir"}],
        "networks": [{"name": "lxdbr0", "type": "bridge", "config": _BRIDGE}],
        "profiles": [
            {"name": "default", "devices": {"root": {"path": "/", "pool": "default", "type": "disk"}, "eth0": card}}
        ],
        "cluster": {"server_name": node, "enabled": True},
    }


def _member(node: str, address: str, first: str, cert: str) -> dict[str, object]:
    cluster = {"enabled": True, "server_name": node, "server_address": f"{address}:8443"}
    cluster |= {"cluster_address": f"{first}:8443", "cluster_certificate": cert, "cluster_password": _TOKEN}
    return {
        "cluster": cluster
        | {"member_config": [{"entity": "storage-pool", "name": "default", "key": "source", "value": ""}]}
    }


def _init(driver: str, version: str) -> str:
    kubelet = {"cgroupDriver": driver, "failSwapOn": False, "failCgroupV1": False}
    documents = [
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "InitConfiguration",
            "bootstrapTokens": [{"token": _TOKEN}],
        },
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "ClusterConfiguration",
            "kubernetesVersion": version,
            "networking": {"podSubnet": _PODS},
        },
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "resolvConf": "/etc/kubelet-resolv.conf",
            **kubelet,
        },
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "conntrack": {"maxPerCore": 0},
        },
    ]
    return yaml.safe_dump_all(documents)
