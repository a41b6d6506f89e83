"""Driver "fake": a container tool that is always there once its machines run. Keeps the contract's rules; faults by settings."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

from ... import pki
from ...contracts import (
    Access,
    Capabilities,
    ClusterContext,
    ClusterType,
    CoeHealth,
    Command,
    Endpoint,
    File,
    Image,
    LabelSpec,
    Machine,
    MachineSpec,
    NetworkSpec,
    NodeConfig,
    NodeHealth,
    NodeMark,
    Problem,
)
from ...domain import Ailment, Cluster, Labels, NodeGroup, Role, canonical

_PORTS = {"kubernetes": 6443, "swarm": 2376, "lxd": 8443}
_NETWORK_DRIVERS = {"kubernetes": ("flannel", "calico", "cilium"), "swarm": ("docker", "flannel")}
_VERSION = "v1.34.4"
_NUMBERS = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class FakeDriver:
    """Implements contracts.Driver. `unhealthy` is a shell pattern of machine names that never become ready."""

    token_names = ("join",)
    labels = (LabelSpec("kube_tag", "version", _VERSION, "Version that the nodes claim to run."),)

    def __init__(
        self,
        *,
        name: str = "fake",
        coe: str = "kubernetes",
        provides: frozenset[ClusterType] = frozenset(),
        beta: bool = False,
        unhealthy: str = "",
    ) -> None:
        self.name = name
        self._unhealthy = unhealthy
        coes = sorted({canonical(served) for _, _, served in provides}) or [canonical(coe)]
        self._coe = coes[0]
        self.marks: dict[str, NodeMark] = {}  # by node, as last asked for
        self.capabilities = Capabilities(
            coe=coe if not provides else min(provides)[2],
            server_types=frozenset({server for server, _, _ in provides} or {"vm", "bm", "container"}),
            os_distros=frozenset({distro for _, distro, _ in provides} or {"debian"}),
            control_plane_sizes=frozenset({1, 3, 5}),
            network_drivers=tuple(dict.fromkeys(n for one in coes for n in _NETWORK_DRIVERS.get(one, ()))),
            resize=True,
            heals=frozenset(Ailment),
            provides=provides,
            beta=beta,
            upgrade=True,
            rotate_ca=True,
            rotate_credentials=True,
        )

    def validate(self, cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[Problem]:
        count = sum(g.node_count for g in groups if g.role is Role.CONTROL_PLANE)
        if count in self.capabilities.control_plane_sizes:
            return []
        return [Problem(f"{count} control-plane nodes are not supported; 1, 3 or 5 are.", field="master_count")]

    def check_upgrade(self, old: Image, new: Image, labels: tuple[Labels, Labels]) -> list[Problem]:
        before, after = _version(old, labels[0]), _version(new, labels[1])
        if before is None or after is None:
            return []
        if after < before:
            why = "a step back"
        elif after[0] != before[0] or after[1] > before[1] + 1:
            why = "more than one minor version"
        else:
            return []
        text = f"From {_spelt(before)} to {_spelt(after)} is {why}; nodes go up one minor version at a time."
        return [Problem(text, field="cluster_template")]

    def network_spec(self, cluster: Cluster) -> NetworkSpec:
        return NetworkSpec(endpoint_port=cluster.shape.apiserver_port or _PORTS.get(self._coe, 6443))

    def api_address(self, endpoint: Endpoint) -> str | None:
        scheme = "tcp" if self._coe == "swarm" else "https"  # the docker client takes no https
        return f"{scheme}://{endpoint.outside}" if endpoint.outside else None

    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        join = File("/etc/fake/join", context.secrets.tokens["join"].reveal(), 0o600)
        files = (File("/etc/fake/ca.crt", context.secrets.ca.cert_pem), join)
        return NodeConfig(machine.name, files, (Command("join", ("true",)),))

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        nodes = tuple(self._node(machine) for machine in expected)
        return CoeHealth(api_ok=True, nodes=nodes, workloads_ready=True, coe_version=_VERSION)

    def _node(self, machine: Machine) -> NodeHealth:
        sick = bool(self._unhealthy) and fnmatch.fnmatch(machine.name, self._unhealthy)
        ready = not machine.stands_still and not sick
        return NodeHealth(machine.name, ready, "" if ready else "NotReady by the settings", _VERSION)

    async def release(self, machine: Machine, access: Access) -> None:
        self.marks.pop(machine.name, None)

    async def mark(self, access: Access, marks: Sequence[NodeMark]) -> None:
        """Remembered, for whoever asks."""
        self.marks.update({one.node: one for one in marks})

    def client_config(self, name: str, access: Access) -> bytes:
        return pki.kubeconfig(name, "admin", access.api_address, access.ca_pem, access.cert_pem, access.key_pem)


def _version(image: Image, labels: Labels) -> tuple[int, int, int] | None:
    """What the image holds, else what the label says."""
    found = _NUMBERS.fullmatch(image.properties.get("kube_version") or labels.get("kube_tag", ""))
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _spelt(version: tuple[int, int, int]) -> str:
    return "v" + ".".join(map(str, version))
