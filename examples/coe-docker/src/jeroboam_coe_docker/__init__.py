"""COE driver "docker": plain Docker hosts, each with the Docker API over TLS. One client certificate of the cluster opens all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from jeroboam import bootstrap
from jeroboam.contracts import (
    Access,
    Capabilities,
    ClusterContext,
    CoeHealth,
    Driver,
    Endpoint,
    File,
    Image,
    LabelSpec,
    Machine,
    MachineSpec,
    NetworkSpec,
    NodeConfig,
    Problem,
)
from jeroboam.domain import Cluster, NodeGroup, Role
from jeroboam.domain.errors import ConfigError

from . import boot, engines

LOG_LABEL = "docker_log_mib"
_LOG_MIB = range(1, 10_001)


class DockerHostsDriver:
    """Implements jeroboam.contracts.Driver. Holds no state, so any process may serve any cluster."""

    name = "docker"
    capabilities = Capabilities(
        coe="docker",
        server_types=frozenset({"vm", "bm", "container"}),
        os_distros=frozenset({"debian"}),
        control_plane_sizes=frozenset({1}),  # the host whose engine is the cluster's address
        network_drivers=("docker",),
        resize=True,
    )
    labels = (LabelSpec(LOG_LABEL, "int", "10", "How large the log of a container may grow.", unit="MiB"),)
    token_names = (boot.NODE_SEED,)

    def validate(self, cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[Problem]:
        """Everything in the wish that this driver cannot serve, all at once. Pure."""
        found = []
        count = sum(group.node_count for group in groups if group.role is Role.CONTROL_PLANE)
        if count not in self.capabilities.control_plane_sizes:
            found.append(Problem(f"{count} control-plane hosts are not supported; 1 is.", "master_count"))
        if log_mib(cluster.shape.labels) is None:
            asked = cluster.shape.labels[LOG_LABEL]
            wish = f"give a number from {_LOG_MIB.start} to {_LOG_MIB.stop - 1}"
            found.append(Problem(f"Label {LOG_LABEL} = {asked} is not usable; {wish}.", f"labels.{LOG_LABEL}"))
        if cluster.shape.apiserver_port not in (None, engines.PORT):
            asked_port = cluster.shape.apiserver_port
            found.append(Problem(f"Port {asked_port} is not served; {engines.PORT} is.", "apiserver_port"))
        if cluster.shape.tls_disabled:
            found.append(Problem("A Docker API without TLS is not served.", "tls_disabled", "Leave it false."))
        found += [
            Problem(f"Node group {group.name} has taints, which Docker does not know.", "node_taints")
            for group in groups
            if group.node_taints
        ]
        return found

    def network_spec(self, cluster: Cluster) -> NetworkSpec:
        """The Docker API's usual port, on every host."""
        return NetworkSpec(endpoint_port=engines.PORT)

    def api_address(self, endpoint: Endpoint) -> str | None:
        """A tcp URL: the docker client takes no https."""
        return f"tcp://{endpoint.outside}" if endpoint.outside else None

    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        """First boot of one host. Pure: same input, same bytes."""
        return boot.node_config(context, machine, log_mib(context.cluster.shape.labels) or _LOG_MIB.start)

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        """Ask every engine. Raises CoeUnreachable when the one at the cluster's address does not answer."""
        return await engines.look(access, expected)

    async def release(self, machine: Machine, access: Access) -> None:
        """Stop its containers in order. One that does not answer has nobody who could be asked. Repeatable."""
        await engines.stop_containers(access, machine)

    def client_config(self, name: str, access: Access) -> bytes:
        """A Docker context, as `docker context import` takes it. Source: docker/cli, cli/context/store."""
        endpoint = {"docker": {"Host": access.api_address, "SkipTLSVerify": False}}
        meta = {"Name": name, "Metadata": {"Description": f"Docker hosts {name}"}, "Endpoints": endpoint}
        pems = (("ca", access.ca_pem), ("cert", access.cert_pem), ("key", access.key_pem.reveal()))
        files = [File(f"tls/docker/{part}.pem", pem, 0o600) for part, pem in pems]
        return bootstrap.tar_of([File("meta.json", json.dumps(meta).encode(), 0o600), *files])


def log_mib(labels: Mapping[str, str]) -> int | None:
    """The label's value or default; None when it is not usable."""
    text = labels.get(LOG_LABEL) or DockerHostsDriver.labels[0].default
    value = int(text) if text.isascii() and text.isdecimal() else 0
    return value if value in _LOG_MIB else None


class DockerHostsPlugin:
    """Entry point."""

    name = "docker"

    def create(self, settings: Mapping[str, str]) -> Driver:
        """No settings. Raises ConfigError."""
        if settings:
            raise ConfigError(f"[docker_driver] {min(settings)} is not an option.", hint="This driver has none.")
        return DockerHostsDriver()


plugin = DockerHostsPlugin()
