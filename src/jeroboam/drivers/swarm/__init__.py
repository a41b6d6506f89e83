"""COE driver "swarm": swarm mode of Docker Engine, its API over TLS with the cluster's CA. Steps and sources: docs/drivers/swarm.md."""

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
    KernelNeed,
    Machine,
    MachineSpec,
    NetworkSpec,
    NodeConfig,
    NodeMark,
    Problem,
    refuse_unknown,
)
from ...domain import Ailment, Cluster, ClusterShape, Labels, NodeGroup, OperationKind, Role
from ..live_api import Contexts, connect
from . import aside, drain, health, inner, nodes, validation
from . import marks as node_marks
from .client_config import docker_context
from .engine import Engine
from .labels import LABELS, kernel_needs

_PORT = 2376


class SwarmDriver:
    """Implements contracts.Driver, NodeMarks, KernelNeeds, ImageCheck, UpgradeChecker, StatefulDriver and InnerSecrets. Holds nothing but
    TLS contexts, so any process may serve any cluster."""

    name = "swarm"
    capabilities = Capabilities(
        coe="swarm",
        server_types=frozenset({"vm", "bm", "container"}),
        os_distros=frozenset({"debian"}),
        control_plane_sizes=frozenset({1, 3, 5}),
        network_drivers=("docker",),
        resize=True,
        heals=frozenset(Ailment),
        upgrade=True,
        rotate_ca=True,
        rotate_credentials=True,
        overlap=frozenset({Role.CONTROL_PLANE}),  # whom a worker trusts matters only while it joins
    )
    labels = LABELS
    token_names = (nodes.NODE_SEED,)

    def __init__(self) -> None:
        self._contexts = Contexts()

    def validate(self, cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[Problem]:
        """Everything in the wish that this driver cannot serve."""
        return validation.problems(cluster, groups, image, self.capabilities)

    def image_problems(self, shape: ClusterShape, image: Image) -> list[Problem]:
        """A version that the image does not hold."""
        return validation.image_problems(shape, image)

    def kernel_needs(self, shape: ClusterShape) -> list[KernelNeed]:
        """The routing mesh and encrypted overlays, where the labels ask for them."""
        return kernel_needs(shape.labels)

    def check_upgrade(self, old: Image, new: Image, labels: tuple[Labels, Labels]) -> list[Problem]:
        """Engines go forward only."""
        return validation.upgrade_problems(old, new)

    def network_spec(self, cluster: Cluster) -> NetworkSpec:
        """The API's port: the tenant's choice, else 2376; and where nodes join."""
        return NetworkSpec(endpoint_port=cluster.shape.apiserver_port or _PORT, inner_ports=nodes.INNER_PORTS)

    def api_address(self, endpoint: Endpoint) -> str | None:
        """A tcp URL: the docker client takes no https."""
        return f"tcp://{endpoint.outside}" if endpoint.outside else None

    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        """First boot of one machine. Pure: same input, same bytes."""
        return nodes.node_config(context, machine)

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        """Ask the live swarm, never stored flags. Raises CoeUnreachable (retried)."""
        async with connect(Engine, access, self._contexts) as engine:
            return await health.look(engine, expected)

    async def release(self, machine: Machine, access: Access) -> None:
        """Drain the node (at most 300 s) and strike it off. Repeatable. Raises CoeUnreachable, CoeRefused, DeadlineExceeded."""
        async with connect(Engine, access, self._contexts) as engine:
            await drain.release(engine, machine.name, dead=machine.stands_still)

    async def set_aside(self, machine: Machine, access: Access) -> None:
        """Drain (at most 300 s), hand over the lead. Repeatable. Raises CoeUnreachable, CoeRefused, DeadlineExceeded."""
        async with connect(Engine, access, self._contexts) as engine:
            await aside.set_aside(engine, machine)

    async def take_back(self, machines: Sequence[Machine], access: Access) -> str:
        """Availability and role as they were; all managers reachable. Raises CoeUnreachable, CoeRefused."""
        async with connect(Engine, access, self._contexts) as engine:
            return await aside.take_back(engine, machines)

    async def renew_inside(self, kind: OperationKind, order: str, access: Access) -> str:
        """Join tokens, and with the CAs the swarm's own, too. Raises CoeUnreachable, CoeRefused."""
        async with connect(Engine, access, self._contexts) as engine:
            return await inner.renew(engine, kind, order)

    async def mark(self, access: Access, marks: Sequence[NodeMark]) -> None:
        """Node labels: the group's own, its name, the server id. Raises CoeUnreachable."""
        async with connect(Engine, access, self._contexts) as engine:
            await node_marks.mark(engine, marks)

    def client_config(self, name: str, access: Access) -> bytes:
        """A Docker context, as `docker context import` takes it."""
        return docker_context(name, access)


class SwarmPlugin:
    """Entry point."""

    name = "swarm"

    def create(self, settings: Mapping[str, str]) -> Driver:
        """No settings yet."""
        refuse_unknown("swarm_driver", settings)
        return SwarmDriver()


plugin = SwarmPlugin()
