"""What a COE driver knows: what a node must be for one container tool. It never makes machines, networks or addresses.

Rules every driver obeys (proved by jeroboam.testing.driver_suite):
- `node_config` is pure: same input, same bytes. Keys and tokens come in through `secrets`.
- `health` asks the live cluster; it raises CoeUnreachable when the cluster does not answer.
- `release` is repeatable, and a node that is unknown to the cluster counts as released.
- Labels are declared; what is not declared is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Protocol, runtime_checkable

from ..domain import Ailment, Cluster, Labels, NodeGroup, Role, Secret, canonical
from ..domain.errors import ErrorClass
from .bootstrap import NodeConfig
from .compute import Endpoint, Image, Machine, MachineSpec, Network, NetworkSpec, Problem

ClusterType = tuple[str, str, str]
"""Server type, operating system, COE."""


@dataclass(frozen=True)
class Capabilities:
    """What a driver serves and can do. The API refuses what is not here before any work starts.

    `provides` names the types of cluster one by one; when it is empty, each server type goes with each operating system. Tenants
    may use a `beta` driver only where the operator enables it.

    `overlap`: a rotation of CAs goes two ways. First all nodes get the new CAs and trust the former ones, too; then the new ones are
    published, and machines of these roles are made anew without the former. Empty: one way, and old certificates end with each node.

    `heals`: for what a node may be replaced without being asked, since nothing goes with it that the tool has nowhere else; one that
    only stopped is started first. Empty: nodes of such clusters are not healed by themselves.
    """

    coe: str
    server_types: frozenset[str]
    os_distros: frozenset[str]
    control_plane_sizes: frozenset[int]
    network_drivers: tuple[str, ...]  # the first is the default
    resize: bool = False
    upgrade: bool = False
    rotate_ca: bool = False
    rotate_credentials: bool = False
    overlap: frozenset[Role] = frozenset()
    heals: frozenset[Ailment] = frozenset()
    provides: frozenset[ClusterType] = frozenset()
    beta: bool = False

    @property
    def cluster_types(self) -> frozenset[ClusterType]:
        """Every type of cluster that is served."""
        return self.provides or frozenset(product(self.server_types, self.os_distros, (self.coe,)))

    def serves(self, server_type: str, distro: str | None, coe: str) -> bool:
        """Whether such clusters can be made. `swarm-mode` is `swarm`."""
        served = {(server, os, canonical(tool)) for server, os, tool in self.cluster_types}
        return (server_type, distro, canonical(coe)) in served


@dataclass(frozen=True)
class DeclaredDriver:
    """A driver that a provider plays in its own settings, for tests of the choice between drivers."""

    name: str
    provides: frozenset[ClusterType]
    default: bool = False
    beta: bool = False


@runtime_checkable
class DeclaresDrivers(Protocol):
    """A provider whose settings say which drivers there are; they take the place of the installed ones."""

    @property
    def declared_drivers(self) -> Sequence[DeclaredDriver]: ...


class DeclaredDriverPlugin(Protocol):
    """A driver plug-in that can be any of the declared ones."""

    def declare(self, declared: DeclaredDriver, settings: Mapping[str, str]) -> Driver:
        """Raises ConfigError. Does no I/O."""
        ...


@dataclass(frozen=True)
class LabelSpec:
    """A label that a driver reads. `type` is one of text, int, bool, cidr, version, enum."""

    name: str
    type: str
    default: str
    meaning: str
    choices: tuple[str, ...] = ()
    unit: str = ""
    editable: bool = False
    since: str = "0.1"


@dataclass(frozen=True)
class CertificateAuthority:
    """A CA of one cluster, PEM."""

    cert_pem: bytes
    key_pem: Secret


@dataclass(frozen=True)
class FormerCa:
    """The CA that another one takes the place of, PEM. `link_pem` is the present CA's key certified by the former: whoever trusts the
    former alone follows it to what the present CA signed."""

    cert_pem: bytes
    link_pem: bytes


@dataclass(frozen=True)
class ClusterSecrets:
    """The keys of one cluster. `tokens` holds what the driver asked for by `token_names`, made once at random.

    `service_account_key` is a PEM private key for signing workload identities. `former` is there while CAs are rotated, by the names
    `ca`, `etcd-ca`, `front-proxy-ca`: who was let in before is let in still.
    """

    ca: CertificateAuthority
    etcd_ca: CertificateAuthority
    front_proxy_ca: CertificateAuthority
    service_account_key: Secret
    tokens: Mapping[str, Secret] = field(default_factory=dict)
    former: Mapping[str, FormerCa] = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterContext:
    """All that a driver may look at when it writes a node's first boot."""

    cluster: Cluster
    groups: tuple[NodeGroup, ...]
    image: Image
    network: Network
    endpoint: Endpoint
    secrets: ClusterSecrets


@dataclass(frozen=True)
class Access:
    """How to reach a live cluster as its administrator."""

    api_address: str
    ca_pem: bytes
    cert_pem: bytes
    key_pem: Secret


@dataclass(frozen=True)
class NodeHealth:
    """One node. A ready node may have a `reason` all the same: what ails it though it works. `hint` is the next move, `move` whose.
    `undecided`: the cluster is about to find out whether a node that is not ready is lost; nothing is healed for it meanwhile."""

    name: str
    ready: bool
    reason: str = ""
    version: str | None = None
    hint: str = ""
    move: ErrorClass = ErrorClass.OPERATOR
    undecided: bool = False


@dataclass(frozen=True)
class CoeHealth:
    """What the live cluster says. `workloads_ready` is True when the driver's own add-ons (DNS, network) serve. `reason` is what is
    wrong with the cluster as a whole, `hint` the next move, `move` whose."""

    api_ok: bool
    nodes: tuple[NodeHealth, ...]
    workloads_ready: bool
    reason: str = ""
    coe_version: str | None = None
    container_version: str | None = None
    hint: str = ""
    move: ErrorClass = ErrorClass.OPERATOR


class Driver(Protocol):
    """One container tool."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def labels(self) -> tuple[LabelSpec, ...]: ...

    @property
    def token_names(self) -> tuple[str, ...]: ...

    def validate(self, cluster: Cluster, groups: Sequence[NodeGroup], image: Image) -> list[Problem]:
        """Everything in the wish that this driver cannot serve, all at once. Pure."""
        ...

    def network_spec(self, cluster: Cluster) -> NetworkSpec: ...

    def api_address(self, endpoint: Endpoint) -> str | None:
        """The address users connect to, in the tool's own form, or None when it cannot be reached from outside."""
        ...

    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        """First boot of one machine. Pure: same input, same bytes (leaf certificates are made on the node or derived)."""
        ...

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        """Ask the live cluster. `nodes` has one entry for each expected machine (not ready, with the reason, when it has
        not joined) and one for each other node seen. Raises CoeUnreachable."""
        ...

    async def release(self, machine: Machine, access: Access) -> None:
        """Make a node safe to remove (drain it, let it leave). Raises CoeUnreachable, DeadlineExceeded."""
        ...

    def client_config(self, name: str, access: Access) -> bytes:
        """A file of the tool's own kind (kubeconfig ...) that leads to the cluster."""
        ...


@runtime_checkable
class UpgradeChecker(Protocol):
    """Optional, for a driver that declares `upgrade`: it knows which way its versions go."""

    def check_upgrade(self, old: Image, new: Image, labels: tuple[Labels, Labels]) -> list[Problem]:
        """Why nodes of `old` cannot become nodes of `new` (a step back, a minor version left out); `labels` before and after. Pure."""
        ...


class DriverPlugin(Protocol):
    """What an entry point of the group `jeroboam.drivers` names: a module-level object."""

    name: str

    def create(self, settings: Mapping[str, str]) -> Driver:
        """Build from the driver's own section of the configuration. Raises ConfigError. Does no I/O."""
        ...
