"""Driver "fake": a container tool that is always there once its machines run. Keeps the contract's rules; faults by settings."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from ... import pki
from ...contracts import (
    Access,
    Capabilities,
    ClusterContext,
    CoeHealth,
    Command,
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
    Problem,
)
from ...domain import Cluster, NodeGroup, Role
from ...domain.errors import ConfigError

_PORT = 6443
_VERSION = "v1.34.4"


class FakeDriver:
    """Implements contracts.Driver. `unhealthy` is a shell pattern of machine names that never become ready."""

    name = "fake"
    token_names = ("join",)
    labels = (LabelSpec("kube_tag", "version", _VERSION, "Version that the nodes claim to run."),)

    def __init__(self, *, coe: str = "kubernetes", unhealthy: str = "") -> None:
        self._unhealthy = unhealthy
        self.capabilities = Capabilities(
            coe=coe,
            server_types=frozenset({"vm", "bm", "container"}),
            os_distros=frozenset({"debian"}),
            control_plane_sizes=frozenset({1, 3, 5}),
            network_drivers=("flannel",),
            resize=True,
        )

    def validate(self, cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[Problem]:
        count = sum(g.node_count for g in groups if g.role is Role.CONTROL_PLANE)
        if count in self.capabilities.control_plane_sizes:
            return []
        return [Problem(f"{count} control-plane nodes are not supported; 1, 3 or 5 are.", field="master_count")]

    def network_spec(self, cluster: Cluster) -> NetworkSpec:
        return NetworkSpec(endpoint_port=cluster.shape.apiserver_port or _PORT)

    def api_address(self, endpoint: Endpoint) -> str | None:
        return f"https://{endpoint.outside}" if endpoint.outside else None

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
        return None

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
        return FakeDriver(**settings)


plugin = FakePlugin()
