"""Driver "fake": a container tool that is always there once its machines run. Keeps the contract's rules; faults by settings."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from ... import pki
from ...contracts import (
    Access,
    Capabilities,
    ClusterContext,
    ClusterType,
    CoeHealth,
    Command,
    DeclaredDriver,
    Driver,
    Endpoint,
    Image,
    LabelSpec,
    Machine,
    MachineSpec,
    MachineState,
    NetworkSpec,
    NodeConfig,
    NodeHealth,
    NodeMark,
    Problem,
)
from ...domain import Cluster, NodeGroup, Role, canonical
from ...domain.errors import ConfigError

_PORTS = {"kubernetes": 6443, "swarm": 2376, "lxd": 8443}
_NETWORK_DRIVERS = {"kubernetes": ("flannel", "calico", "cilium"), "swarm": ("docker", "flannel")}
_VERSION = "v1.34.4"


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
            provides=provides,
            beta=beta,
        )

    def validate(self, cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[Problem]:
        count = sum(g.node_count for g in groups if g.role is Role.CONTROL_PLANE)
        if count in self.capabilities.control_plane_sizes:
            return []
        return [Problem(f"{count} control-plane nodes are not supported; 1, 3 or 5 are.", field="master_count")]

    def network_spec(self, cluster: Cluster) -> NetworkSpec:
        return NetworkSpec(endpoint_port=cluster.shape.apiserver_port or _PORTS.get(self._coe, 6443))

    def api_address(self, endpoint: Endpoint) -> str | None:
        scheme = "tcp" if self._coe == "swarm" else "https"  # the docker client takes no https
        return f"{scheme}://{endpoint.outside}" if endpoint.outside else None

    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        return NodeConfig(machine.name, commands=(Command("join", ("true",)),))

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        nodes = tuple(self._node(machine) for machine in expected)
        return CoeHealth(api_ok=True, nodes=nodes, workloads_ready=True, coe_version=_VERSION)

    def _node(self, machine: Machine) -> NodeHealth:
        sick = bool(self._unhealthy) and fnmatch.fnmatch(machine.name, self._unhealthy)
        ready = machine.state is MachineState.RUNNING and not sick
        return NodeHealth(machine.name, ready, "" if ready else "NotReady by the settings", _VERSION)

    async def release(self, machine: Machine, access: Access) -> None:
        self.marks.pop(machine.name, None)

    async def mark(self, access: Access, marks: Sequence[NodeMark]) -> None:
        """Remembered, for whoever asks."""
        self.marks.update({one.node: one for one in marks})

    def client_config(self, name: str, access: Access) -> bytes:
        return pki.kubeconfig(name, "admin", access.api_address, access.ca_pem, access.cert_pem, access.key_pem)


class FakePlugin:
    """Entry point."""

    name = "fake"

    def create(self, settings: Mapping[str, str]) -> Driver:
        """Settings: `coe`, `unhealthy`."""
        unknown = sorted(set(settings) - {"coe", "unhealthy"})
        if unknown:
            raise ConfigError(f"[fake_driver] {unknown[0]} is not an option.", hint="Options are: coe, unhealthy.")
        return FakeDriver(coe=settings.get("coe", "kubernetes"), unhealthy=settings.get("unhealthy", ""))

    def declare(self, declared: DeclaredDriver, settings: Mapping[str, str]) -> Driver:
        """The same driver under another name, for other clusters. Settings: `unhealthy`."""
        unhealthy = settings.get("unhealthy", "")
        return FakeDriver(name=declared.name, provides=declared.provides, beta=declared.beta, unhealthy=unhealthy)


plugin = FakePlugin()
