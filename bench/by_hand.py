"""The yardstick: the same Kubernetes cluster made by hand from the same node image, without Jeroboam.

docker run for all nodes side by side, kubeadm init, kubeadm join for all workers side by side, kubectl apply of the pod network.
"""

from __future__ import annotations

import json
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import resources
from string import Template

import yaml

from jeroboam.providers.docker.machine import CAPABILITIES

_TOKEN = "abcdef.0123456789abcdef"
_PODS = "10.244.0.0/16"  # apart from kubeadm's default for Services, 10.96.0.0/12
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
class ByHand:
    """One cluster by hand. `make()`, then `remove()`."""

    image: str
    workers: int
    name: str = field(default_factory=lambda: f"byhand-{uuid.uuid4().hex[:6]}")

    @property
    def control_plane(self) -> str:
        return f"{self.name}-0"

    @property
    def nodes(self) -> list[str]:
        return [f"{self.name}-{number}" for number in range(self.workers + 1)]

    def make(self) -> None:
        """Until kubectl apply has returned."""
        docker("network", "create", self.name)
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(self._run, self.nodes))
            driver = self._driver()
            config = _init(driver, self._version())
            docker("exec", "-i", self.control_plane, "tee", "/etc/kubernetes/kubeadm.yaml", stdin=config)
            init = ("kubeadm", "init", "--config=/etc/kubernetes/kubeadm.yaml", "--skip-phases=preflight")
            docker("exec", self.control_plane, *init)
            list(side_by_side.map(self._join, self.nodes[1:]))
        docker("exec", "-i", self.control_plane, *_KUBECTL, "apply", "-f", "-", stdin=self._flannel())

    def remove(self) -> None:
        """Nothing is left."""
        for node in self.nodes:
            docker("rm", "-fv", node, check=False)
            docker("volume", "rm", "-f", node, check=False)
        docker("network", "rm", self.name, check=False)

    def _run(self, node: str) -> None:
        options = [f"--cap-add={capability}" for capability in CAPABILITIES]
        options += [f"--security-opt={kind}=unconfined" for kind in ("seccomp", "apparmor", "systempaths")]
        options += ["--device-cgroup-rule=a *:* rwm", "--tmpfs=/run:exec", "--tmpfs=/tmp:exec", "--cgroupns=private"]
        options += [f"--mount=type=volume,source={node},target=/data,volume-nocopy", "--network", self.name]
        docker("run", "-d", "-t", "--name", node, "--hostname", node, *options, self.image)
        docker("exec", node, "sh", "-c", "until systemctl is-active -q containerd; do sleep 0.1; done")

    def _join(self, node: str) -> None:
        """As kubeadm's own unit of the kubelet has it: the join leaves a bootstrap kubeconfig for it."""
        arguments = "KUBELET_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf\n"
        docker("exec", "-i", node, "tee", "/etc/default/kubelet", stdin=arguments)
        words = ("--token", _TOKEN, "--discovery-token-unsafe-skip-ca-verification", "--skip-phases=preflight")
        docker("exec", node, "kubeadm", "join", f"{self.control_plane}:6443", *words)

    def _driver(self) -> str:
        return docker("exec", self.control_plane, "cat", "/run/jeroboam/cgroup-driver")

    def _version(self) -> str:
        return docker("image", "inspect", "-f", '{{index .Config.Labels "kube_version"}}', self.image)

    def _flannel(self) -> str:
        """The manifest that Jeroboam applies, so that the difference is the way and not the parts."""
        listed = json.loads(docker("image", "inspect", self.image))[0]["Config"]["Labels"]["jeroboam.manifest"]
        image = next(name for name in json.loads(listed)["images"] if "/flannel:" in name)
        text = resources.files("jeroboam.drivers.kubernetes").joinpath("manifests/flannel.yaml").read_text()
        host = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", self.control_plane)
        return Template(text).substitute(pods=_PODS, backend="vxlan", flannel_image=image, api_host=host, api_port=6443)


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
