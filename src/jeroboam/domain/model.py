"""The things Jeroboam keeps: templates, clusters, node groups, operations. Plain values; no I/O, no wire formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .errors import ErrorClass
from .status import Health, OperationKind, OperationState, Status, Verb


class Role(StrEnum):
    """What a machine is in its cluster."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"


Labels = Mapping[str, str]


@dataclass(frozen=True)
class ClusterShape:
    """What a template gives and a cluster keeps as its own copy, so that later changes of the template do not reach it.

    Identifiers (`image_id`, `flavor_id` ...) are names or ids of the provider's catalogue, as the tenant wrote them.
    """

    coe: str
    image_id: str
    flavor_id: str | None = None
    control_plane_flavor_id: str | None = None
    keypair_id: str | None = None
    external_network_id: str | None = None
    fixed_network: str | None = None
    fixed_subnet: str | None = None
    dns_nameserver: str | None = None
    network_driver: str | None = None
    volume_driver: str | None = None
    server_type: str = "vm"
    os_distro: str | None = None
    driver: str | None = None
    docker_storage_driver: str | None = None
    docker_volume_size_gib: int | None = None
    apiserver_port: int | None = None
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None
    insecure_registry: str | None = None
    registry_enabled: bool = False
    tls_disabled: bool = False
    api_lb_enabled: bool = False
    floating_ip_enabled: bool = True
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterTemplate:
    """A named shape that tenants make clusters from."""

    uuid: str
    name: str
    project_id: str
    user_id: str
    shape: ClusterShape
    public: bool = False
    hidden: bool = False
    tags: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True)
class NodeGroup:
    """A set of like machines in a cluster. `status` and what follows it are written by the conductor only."""

    uuid: str
    cluster_uuid: str
    name: str
    role: Role
    role_name: str  # the tenant's word for it: "master", "worker" or any other
    project_id: str
    node_count: int
    image_id: str
    flavor_id: str | None = None
    min_node_count: int = 0
    max_node_count: int | None = None
    docker_volume_size_gib: int | None = None
    labels: Labels = field(default_factory=dict)
    node_labels: Labels = field(default_factory=dict)
    node_taints: tuple[Mapping[str, str], ...] = ()
    remove_nodes: tuple[str, ...] = ()  # machines named for removal by a resize; cleared when they are gone
    is_default: bool = False
    deleting: bool = False
    status: Status = Status.CREATE_IN_PROGRESS
    status_reason: str | None = None
    node_addresses: tuple[str, ...] = ()
    version: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True)
class Cluster:
    """What a tenant wants (spec) and what is so (status). `deleting` is a wish that is never taken back."""

    uuid: str
    name: str
    project_id: str
    user_id: str
    template_uuid: str
    shape: ClusterShape
    keypair: str | None = None
    create_timeout_min: int | None = 60
    discovery_url: str | None = None
    deleting: bool = False
    generation: int = 1
    # status: the conductor's
    observed_generation: int = 0
    fence: int = 0
    status: Status = Status.CREATE_IN_PROGRESS
    status_reason: str | None = None
    health: Health | None = None
    health_reason: Mapping[str, str] = field(default_factory=dict)
    ailing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by node, as domain.Ailing writes itself
    api_address: str | None = None
    coe_version: str | None = None
    container_version: str | None = None
    backend_id: str | None = None  # shown as stack_id or cluster_id
    created_at: datetime | None = None
    updated_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True)
class Operation:
    """Something somebody asked for. One is live at a time in a cluster."""

    uuid: str
    cluster_uuid: str
    kind: OperationKind
    project_id: str
    user_id: str
    request_id: str
    generation: int
    state: OperationState = OperationState.QUEUED
    details: Mapping[str, Any] = field(default_factory=dict)  # what only this kind needs: an upgrade its target
    summary: str = ""  # one line for people: "create 1 control plane, 2 workers"
    cancel_requested: bool = False
    deadline_at: datetime | None = None
    error_class: ErrorClass | None = None
    error: str | None = None
    hint: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def verb(self) -> Verb:
        """What it does to the cluster's status."""
        return self.kind.verb

    @property
    def forced(self) -> bool:
        """Whether it is a deletion that leaves behind what the provider does not let go of."""
        return self.kind is OperationKind.DELETE and self.details.get("forced") is True


@dataclass(frozen=True)
class Step:
    """One row of an operation's timeline."""

    operation_uuid: str
    name: str  # "network", "machine", "coe" ...
    target: str  # node or resource, "" for the cluster as a whole
    attempt: int
    started_at: datetime
    ended_at: datetime | None = None
    ok: bool | None = None
    message: str = ""
    error_class: ErrorClass | None = None
    hint: str | None = None
    log: str | None = None  # last console lines of a node that failed
    id: int | None = None


@dataclass(frozen=True)
class Resource:
    """A ledger row: something that we made, or were about to make, at a provider for a cluster."""

    cluster_uuid: str
    kind: str  # "network", "endpoint", "machine"
    name: str
    provider_id: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True)
class SignedCertificate:
    """A record of a client certificate that the certificates API gave out. `purpose`: what its asker said that it is for."""

    cluster_uuid: str
    serial: str
    subject: str
    ca: str
    not_after: datetime
    user_id: str
    project_id: str
    created_at: datetime | None = None
    purpose: str | None = None
