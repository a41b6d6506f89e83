"""What every use case needs, as one object, and who a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..contracts import Caller, Clock, DeclaresLabels, Driver, LabelSpec, OperationGate, ProjectLookup, Provider, Store
from ..domain import Cluster, OperationKind, canonical
from ..domain.errors import ConfigError, NotSupported
from .policy import Policy


@dataclass(frozen=True)
class NetworkDrivers:
    """What an operator says of the network drivers of one COE. `all` allows what the COE can do."""

    default: str | None = None
    allowed: tuple[str, ...] = ("all",)


_NETWORK_DRIVERS = {
    "kubernetes": NetworkDrivers("flannel", ("flannel", "calico")),
    "swarm": NetworkDrivers("docker", ("all",)),
}


@dataclass(frozen=True)
class ServiceSettings:
    """Limits and defaults that an operator sets. `network_drivers` by COE."""

    max_clusters_per_project: int = 20
    max_limit: int = 1000
    max_nodes_per_cluster: int = 5000
    default_driver: str | None = None
    enabled_beta_drivers: tuple[str, ...] = ()
    network_drivers: Mapping[str, NetworkDrivers] = field(default_factory=lambda: _NETWORK_DRIVERS)
    default_boot_volume_size_gib: int = 0
    service_down_time_s: int = 180

    def networks(self, coe: str) -> NetworkDrivers:
        """Of this COE."""
        return self.network_drivers.get(canonical(coe), NetworkDrivers())


@dataclass(frozen=True, kw_only=True)
class Services:
    """Handed to the API once; holds no state of its own. Raises ConfigError for defaults that name nothing."""

    store: Store
    providers: Mapping[str, Provider]
    default_provider: str
    drivers: Mapping[str, Driver]
    clock: Clock
    policy: Policy
    projects: ProjectLookup | None = None  # None: nobody here knows all projects, and any may be named
    settings: ServiceSettings = field(default_factory=ServiceSettings)

    def __post_init__(self) -> None:
        if self.default_provider not in self.providers:
            raise ConfigError(
                f"[provider] default: {self.default_provider!r} is not loaded.",
                hint=f"Loaded are: {', '.join(sorted(self.providers))}.",
            )
        default = self.settings.default_driver
        if default is not None and default not in self.drivers:
            raise ConfigError(
                f"[drivers] default_driver: {default!r} is not loaded.",
                hint=f"Loaded are: {', '.join(sorted(self.drivers))}.",
            )

    @property
    def provider(self) -> Provider:
        """Where new clusters go."""
        return self.providers[self.default_provider]

    @property
    def place_labels(self) -> tuple[LabelSpec, ...]:
        """Those that the provider reads."""
        return self.provider.labels if isinstance(self.provider, DeclaresLabels) else ()

    def ask_gates(self, cluster: Cluster, kind: OperationKind) -> None:
        """Asked last, right before something is stored. Raises NotSupported with the gate's words."""
        for part in (self.provider, self.drivers.get(cluster.shape.driver or "")):
            refusal = part.refuse(cluster.name, kind) if isinstance(part, OperationGate) else None
            if refusal is not None:
                raise NotSupported(refusal)


@dataclass(frozen=True)
class Asker:
    """Who asks, and under which request id it is remembered."""

    caller: Caller
    request_id: str
