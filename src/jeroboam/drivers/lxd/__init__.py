"""COE driver "lxd": an LXD cluster for system containers, its API over TLS with the cluster's CA. Steps: docs/drivers/lxd.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...contracts import (
    Access,
    Capabilities,
    ClusterContext,
    CoeHealth,
    Driver,
    Endpoint,
    Image,
    Machine,
    MachineSpec,
    NetworkSpec,
    NodeConfig,
    Problem,
    refuse_unknown,
)
from ...domain import Ailment, Cluster, ClusterShape, NodeGroup
from ..live_api import Contexts, connect
from . import evacuation, health, nodes, validation
from .api import LxdApi
from .client_config import client_folder
from .labels import LABELS

_PORT = 8443


class LxdDriver:
    """Implements contracts.Driver and ImageCheck. Holds nothing but TLS contexts, so any process may serve any cluster."""

    name = "lxd"
    capabilities = Capabilities(
        coe="lxd",
        server_types=frozenset({"vm", "bm", "container"}),
        os_distros=frozenset({"debian"}),
        control_plane_sizes=frozenset({1, 3, 5}),
        network_drivers=("bridge",),
        resize=True,
        heals=frozenset({Ailment.GONE}),  # what runs on a member lies on its disk alone
    )
    labels = LABELS
    token_names = (nodes.NODE_SEED, nodes.JOIN)

    def __init__(self) -> None:
        self._contexts = Contexts()

    def validate(self, cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[Problem]:
        """Everything in the wish that this driver cannot serve."""
        return validation.problems(cluster, groups, image, self.capabilities)

    def image_problems(self, shape: ClusterShape, image: Image) -> list[Problem]:
        """A version that the image does not hold."""
        return validation.image_problems(shape, image)

    def network_spec(self, cluster: Cluster) -> NetworkSpec:
        """The API's port: the tenant's choice, else 8443. Members join there, too."""
        return NetworkSpec(endpoint_port=cluster.shape.apiserver_port or _PORT, inner_ports=nodes.INNER_PORTS)

    def api_address(self, endpoint: Endpoint) -> str | None:
        """An https URL."""
        return f"https://{endpoint.outside}" if endpoint.outside else None

    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        """First boot of one machine. Pure: same input, same bytes."""
        return nodes.node_config(context, machine)

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        """Ask the live cluster, never stored flags. Raises CoeUnreachable (retried)."""
        async with connect(LxdApi, access, self._contexts) as api:
            return await health.look(api, expected)

    async def release(self, machine: Machine, access: Access) -> None:
        """Evacuate the member (at most 300 s) and strike it off. Repeatable. Raises CoeUnreachable, DeadlineExceeded."""
        async with connect(LxdApi, access, self._contexts) as api:
            await evacuation.release(api, machine.name, dead=machine.stands_still)

    def client_config(self, name: str, access: Access) -> bytes:
        """A folder for LXD_CONF, as a tar."""
        return client_folder(name, access)


class LxdPlugin:
    """Entry point."""

    name = "lxd"

    def create(self, settings: Mapping[str, str]) -> Driver:
        """No settings yet."""
        refuse_unknown("lxd_driver", settings)
        return LxdDriver()


plugin = LxdPlugin()
