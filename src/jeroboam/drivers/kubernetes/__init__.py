"""COE driver "kubernetes": a kubeadm control plane from our keys, kubelets with certificates of their own, flannel, CoreDNS, kube-proxy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ... import pki
from ...artifacts import catalogue
from ...contracts import (
    Access,
    Capabilities,
    Clock,
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
    PodRange,
    Problem,
    SystemClock,
    refuse_unknown,
)
from ...domain import Ailment, Cluster, ClusterShape, NodeGroup, Role
from ..live_api import Contexts, connect
from . import drain, health, marks, nodes, offers, pod_ranges, validation
from .api import KubeApi
from .labels import LABELS, kernel_needs, read, routed_pods

_PORT = 6443
# Seen in use on nodes with nothing else: 423 and 112 MiB; and some room. kubeadm's preflight, which is skipped, asks for 1700.
_CONTROL_PLANE_MIB, _WORKER_MIB = 768, 256


class KubernetesDriver:
    """Implements contracts.Driver, NodeMarks, RoutedPods, KernelNeeds, MemoryNeeds, ShapeCheck and ImageCheck. Holds nothing but TLS
    contexts, so any process may serve any cluster."""

    name = "kubernetes"
    capabilities = Capabilities(
        coe="kubernetes",
        server_types=frozenset({"vm", "bm", "container"}),
        os_distros=frozenset({"debian"}),
        control_plane_sizes=frozenset({1}),
        network_drivers=("flannel",),
        resize=True,
        heals=frozenset(Ailment),
    )
    labels = LABELS
    token_names = (nodes.NODE_SEED,)

    def __init__(self, clock: Clock | None = None) -> None:
        self._contexts = Contexts()
        self._clock = clock or SystemClock()

    def validate(self, cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[Problem]:
        """Everything in the wish that this driver cannot serve."""
        known = tuple(catalogue().kubernetes)
        return validation.problems(cluster, groups, image, self.capabilities, known)

    def kernel_needs(self, shape: ClusterShape) -> list[KernelNeed]:
        """What the labels ask of the nodes' kernel."""
        return kernel_needs(shape.labels)

    def routed_pods(self, shape: ClusterShape) -> PodRange | None:
        """Flannel's backend host-gw sends pods' packets as they are."""
        return routed_pods(shape.labels)

    async def pod_ranges(self, access: Access) -> Mapping[str, str]:
        """What the controller manager gave to each node. Raises CoeUnreachable, CoeRefused."""
        async with connect(KubeApi, access, self._contexts) as api:
            return await pod_ranges.look(api)

    def shape_problems(self, shape: ClusterShape) -> list[Problem]:
        """Labels that no cluster could be made with."""
        return read(shape.labels)[1]

    def image_problems(self, shape: ClusterShape, image: Image) -> list[Problem]:
        """A version that the image does not hold."""
        return validation.image_problems(shape, image)

    def least_memory_mib(self, role: Role) -> int:
        """For etcd, API server, controller manager and scheduler; or for kubelet, containerd and add-ons alone."""
        return _CONTROL_PLANE_MIB if role is Role.CONTROL_PLANE else _WORKER_MIB

    def network_spec(self, cluster: Cluster) -> NetworkSpec:
        """The API's port: the tenant's choice, else 6443."""
        return NetworkSpec(endpoint_port=cluster.shape.apiserver_port or _PORT)

    def api_address(self, endpoint: Endpoint) -> str | None:
        """An https URL."""
        return f"https://{endpoint.outside}" if endpoint.outside else None

    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        """First boot of one machine. Pure: same input, same bytes."""
        return nodes.node_config(context, machine)

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        """Ask the live cluster, never stored flags. Raises CoeUnreachable (retried)."""
        async with connect(KubeApi, access, self._contexts) as api:
            return await health.look(api, expected, self._clock.now())

    async def release(self, machine: Machine, access: Access) -> None:
        """Drain the node (at most 300 s) and forget it. Repeatable. Raises CoeUnreachable, DeadlineExceeded."""
        async with connect(KubeApi, access, self._contexts) as api:
            await drain.release(api, machine.name, dead=machine.stands_still)

    async def mark(self, access: Access, wishes: Sequence[NodeMark]) -> None:
        """Labels, taints and provider ids on the nodes, and RuntimeClasses of theirs. Raises CoeUnreachable, CoeRefused."""
        async with connect(KubeApi, access, self._contexts) as api:
            await offers.ensure(api, await marks.mark(api, wishes))

    def client_config(self, name: str, access: Access) -> bytes:
        """A kubeconfig."""
        return pki.kubeconfig(name, "admin", access.api_address, access.ca_pem, access.cert_pem, access.key_pem)


class KubernetesPlugin:
    """Entry point."""

    name = "kubernetes"

    def create(self, settings: Mapping[str, str]) -> Driver:
        """No settings yet."""
        refuse_unknown("kubernetes_driver", settings)
        return KubernetesDriver()


plugin = KubernetesPlugin()
