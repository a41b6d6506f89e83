"""What an infrastructure provider does: machines, networks, addresses. It knows nothing of container tools.

Rules every provider obeys (proved by jeroboam.testing.provider_suite):
- `ensure_x` is idempotent: a second call with the same name finds what the first one made, also after a crash in the middle of the first.
- `delete_x` of what is absent succeeds.
- All that is made carries the cluster's uuid as tag or label; `list_x` asks the infrastructure, never a table of ours.
- Foreign exceptions are translated at the provider's edge: RetryLater when it will pass, ProviderRefused when it will not,
  UserError when the tenant's wish is at fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ..domain import Cluster, Labels, Role
from .bootstrap import NodeConfig


@dataclass(frozen=True)
class Image:
    """A node image of the catalogue. `properties` has os_distro, kube_version, magnum_driver and the like."""

    id: str
    name: str
    properties: Mapping[str, str] = field(default_factory=dict)
    forbidden: bool = False


@dataclass(frozen=True)
class Flavor:
    """A machine size. `ram_mib` 0 means no limit, `disk_gib` 0 no root disk: it boots from a volume; None a share of its host's."""

    id: str
    name: str
    vcpus: float
    ram_mib: int
    disk_gib: int | None = 0


@dataclass(frozen=True)
class Keypair:
    """An SSH key that tenants may put on nodes."""

    id: str
    name: str


@dataclass(frozen=True)
class CatalogueNetwork:
    """A network (or subnet) that exists already."""

    id: str
    name: str
    external: bool = False


class Catalogue(Protocol):
    """Look-ups for validation. `ident` is a name or an id; several matches of one name are all returned, ids match once."""

    @property
    def needs_flavor(self) -> bool:
        """True where every machine must name a flavor; False where the provider has a size of its own for those that name none."""
        ...

    async def find_images(self, project_id: str, ident: str) -> Sequence[Image]: ...

    async def find_flavors(self, project_id: str, ident: str) -> Sequence[Flavor]: ...

    async def find_keypairs(self, project_id: str, ident: str) -> Sequence[Keypair]: ...

    async def find_networks(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]: ...

    async def find_subnets(self, project_id: str, ident: str) -> Sequence[CatalogueNetwork]: ...

    async def images(self, project_id: str) -> Sequence[Image]: ...

    async def flavors(self, project_id: str) -> Sequence[Flavor]: ...


@dataclass(frozen=True)
class NetworkSpec:
    """What a cluster needs of its network. `endpoint_port` is where its API listens on the nodes.

    `control_planes` machines answer for the API; several are balanced. `inner_ports` are further ports of theirs which the
    cluster's own nodes reach at the endpoint's inside address; they are never published.
    """

    endpoint_port: int
    endpoint_protocol: str = "tcp"
    preferred_outside_port: int | None = None
    control_planes: int = 1
    inner_ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class Network:
    """A cluster's own network."""

    id: str
    name: str
    cidr: str
    mtu: int = 1500


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Endpoint:
    """Where the cluster's API is: `inside` for its own nodes, `outside` for users and for us (None: not reachable).

    Stable from the first `ensure_endpoint` until the cluster is deleted; known before any machine exists. Only where the place that
    `outside` names was taken by another before its machine was started, it is another then: see Machine. `balanced`: it is not the
    first control-plane machine's own address, but leads to whichever of them answers. `settled`: users know `outside`, so it is waited
    for and not another.
    """

    inside: Address
    outside: Address | None
    balanced: bool = False
    settled: bool = False


@dataclass(frozen=True)
class MachineSpec:
    """A machine that a cluster asks for. `name` is unique and deterministic; same name, same machine."""

    cluster_uuid: str
    name: str
    group: str
    role: Role
    index: int
    image_id: str
    flavor_id: str | None
    project_id: str
    first: bool = False  # the control plane machine that starts the cluster
    server_type: str = "vm"
    keys: str = ""  # tells the keys of its first boot from others (jeroboam.pki.fingerprint); no secret
    # Of its node group: a provider knows availability_zone and the like.
    labels: Labels = field(default_factory=dict, hash=False)


class MachineState(StrEnum):
    """How far a machine is, as the infrastructure sees it."""

    BUILDING = "building"  # asked for, not finished; ensure_machine finishes it
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    DELETING = "deleting"


@dataclass(frozen=True)
class Machine:
    """A machine as seen at the provider. What it is in its cluster, its image and keys come from its tags; the last two are None
    where it was made without them."""

    id: str
    name: str
    cluster_uuid: str
    group: str
    role: Role
    index: int
    state: MachineState
    address: str | None = None
    detail: str = ""  # why it is failed or stopped, in the infrastructure's words
    created_at: datetime | None = None
    image_id: str | None = None  # the word of its MachineSpec
    keys: str | None = None
    # Where it publishes the cluster's API; None where it does not, or the endpoint always stays.
    outside: Address | None = None

    @property
    def stands_still(self) -> bool:
        """Known to run nothing, whatever its cluster still believes of the node. One that failed or is not finished may well run."""
        return self.state in (MachineState.STOPPED, MachineState.DELETING)


@dataclass(frozen=True)
class FoundResource:
    """Anything of a cluster that exists at the provider. `kind` in the provider's words: container, volume, network ..."""

    kind: str
    id: str
    name: str
    cluster_uuid: str


@dataclass(frozen=True)
class Problem:
    """One finding of a check before work starts. `field` is the attribute at fault (of a label `labels.NAME`), "" for the whole."""

    message: str
    field: str = ""
    hint: str = ""


class Provider(Protocol):
    """Makes machines, networks and addresses. Every call has a deadline of its own inside the provider."""

    @property
    def name(self) -> str: ...

    @property
    def server_types(self) -> frozenset[str]:
        """The server types ("vm", "bm", "container") this provider makes."""
        ...

    @property
    def catalogue(self) -> Catalogue: ...

    async def start(self) -> None:
        """Connect and check the host. Raises HostUnsupported or ProviderUnavailable with the cure."""
        ...

    async def stop(self) -> None:
        """Close connections. What was made stays."""
        ...

    async def preflight(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        """All reasons why these machines cannot be made (capacity, sizes, images), in one answer; empty when none. Changes nothing."""
        ...

    async def ensure_network(self, cluster: Cluster, spec: NetworkSpec) -> Network: ...

    async def ensure_endpoint(self, cluster: Cluster, network: Network, spec: NetworkSpec) -> Endpoint: ...

    async def ensure_machine(
        self, spec: MachineSpec, network: Network, endpoint: Endpoint, config: NodeConfig
    ) -> Machine:
        """Make the machine and boot it with `config`, or find it. Returns as soon as it runs, before its bootstrap ends.

        A machine left half made by a crash is finished or made anew. A stopped machine is started again.
        """
        ...

    async def list_machines(self, cluster_uuid: str) -> Sequence[Machine]: ...

    async def delete_machine(self, cluster_uuid: str, name: str) -> None: ...

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        """The last lines of a machine's console; "" when it has none or is gone. Bootstrap markers appear here."""
        ...

    async def delete_all(self, cluster_uuid: str) -> Sequence[FoundResource]:
        """Delete all that carries the cluster's tag, in the right order, and return what was deleted.

        Raises RetryLater when something is still there; calling again goes on.
        """
        ...

    async def list_resources(self, cluster_uuid: str | None = None) -> Sequence[FoundResource]:
        """All that carries the cluster's tag (None: any cluster's), whatever its kind."""
        ...


class ProviderPlugin(Protocol):
    """What an entry point of the group `jeroboam.providers` names: a module-level object."""

    name: str

    def create(self, settings: Mapping[str, str]) -> Provider:
        """Build from the provider's own section of the configuration. Raises ConfigError. Does no I/O."""
        ...
