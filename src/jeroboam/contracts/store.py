"""The store: the only meeting place of API and conductor. Spec columns are the API's, status columns the conductor's.

Every method is one transaction, which calls at the same time may share. Times are written by the store from its clock. Retry:
ProviderUnavailable is raised when the database does not answer; nothing was changed then, or all of it where the answer to the commit
was what did not arrive.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from ..domain import (
    Cluster,
    ClusterTemplate,
    ErrorClass,
    Health,
    NodeGroup,
    Operation,
    OperationState,
    Resource,
    SignedCertificate,
    Status,
    Step,
    Upgrade,
)
from .events import EventStore
from .figures import FigureStore
from .identity import Caller


@dataclass(frozen=True)
class Page:
    """A slice of a list. `marker` is the uuid after which it begins; `sort_key` a stored column, ties broken by id."""

    limit: int = 1000
    marker: str | None = None
    sort_key: str = "id"
    descending: bool = False


@dataclass(frozen=True)
class ClusterRow:
    """A cluster with what lists show of its node groups, read by a fixed number of statements."""

    cluster: Cluster
    groups: tuple[NodeGroup, ...]


@dataclass(slots=True)
class ClusterBrief:
    """What a list of clusters shows: read by one statement, without the node groups. Fields stand in the order they are read in."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *("uuid", "name", "template_uuid", "keypair", "docker_volume_size_gib", "labels", "status", "health"),
        *("control_plane_flavor_id", "flavor_id", "create_timeout_min", "backend_id"),
    )

    uuid: str
    name: str
    template_uuid: str
    keypair: str | None
    docker_volume_size_gib: int | None
    labels: Mapping[str, str]
    status: Status
    health: Health | None
    control_plane_flavor_id: str | None
    flavor_id: str | None
    create_timeout_min: int | None
    backend_id: str | None
    workers: int
    control_planes: int


@dataclass(frozen=True)
class StatusChange:
    """What the conductor writes; None leaves a column alone."""

    status: Status | None = None
    status_reason: str | None = None
    clear_reason: bool = False
    health: Health | None = None
    health_reason: Mapping[str, str] | None = None
    api_address: str | None = None
    coe_version: str | None = None
    container_version: str | None = None
    backend_id: str | None = None
    observed_generation: int | None = None
    groups: Mapping[str, GroupStatus] = field(default_factory=dict)  # by node group uuid
    upgraded: Upgrade | None = None  # its target becomes the cluster's spec, generation + 1
    # Secrets under this prefix take the place of all; what waits under `next/` stays if it is another prefix.
    new_secrets: str = ""
    restored: Mapping[str, int] = field(default_factory=dict)  # node counts by group; only while the generation is
    wished_generation: int = 0  # this one: nobody has changed the wish since


@dataclass(frozen=True)
class GroupStatus:
    status: Status | None = None
    status_reason: str | None = None
    node_addresses: tuple[str, ...] | None = None
    version: str | None = None
    removed: tuple[str, ...] = ()  # ids of machines that were named for removal and are gone


@dataclass(frozen=True)
class Conductor:
    """A heartbeat row. `id` is the row's number."""

    host: str
    binary: str
    id: int
    report_count: int
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class Lease:
    """A conductor at work. `token` is another for each start; `beats` grows while it lives."""

    executor_id: str
    token: str
    host: str
    beats: int
    taken_at: datetime
    beaten_at: datetime


@dataclass(frozen=True)
class Share:
    """A part of all clusters: those which this conductor's number ranks higher than each of the others' does. When one conductor more or
    less shares, only the clusters which that one ranks highest change hands. Numbers lie between 1 and `MOST`."""

    MOST: ClassVar[int] = 2**31 - 2

    mine: int
    others: tuple[int, ...]


@dataclass(frozen=True)
class Quota:
    """A limit that an operator set for a project."""

    id: int
    project_id: str
    resource: str
    hard_limit: int
    created_at: datetime
    updated_at: datetime | None = None


@dataclass(frozen=True)
class Totals:
    """How much there is: clusters in any state, nodes of all their groups."""

    clusters: int
    nodes: int


class TemplateStore(Protocol):
    async def add_template(self, template: ClusterTemplate) -> ClusterTemplate:
        """Raises Conflict when the uuid is taken."""
        ...

    async def find_templates(self, ident: str, caller: Caller) -> Sequence[ClusterTemplate]:
        """By uuid (if it parses as one) or by name, among what the caller may see: own, public and not hidden, all for admins."""
        ...

    async def list_templates(self, caller: Caller, page: Page) -> Sequence[ClusterTemplate]:
        """Raises NotFound for an unknown marker, InvalidRequest for an unknown sort key."""
        ...

    async def update_template(
        self, template: ClusterTemplate, *, seen: ClusterTemplate, unused: bool = False
    ) -> ClusterTemplate | None:
        """None when the template is not as `seen` any more: somebody else was faster, nothing was changed.

        Raises NotFound; with `unused`, raises Conflict while a cluster refers to it.
        """
        ...

    async def delete_template(self, uuid: str) -> None:
        """Raises NotFound; raises Conflict while a cluster refers to it."""
        ...

    async def template_in_use(self, uuid: str) -> bool: ...

    async def templates_by_uuid(self, uuids: Collection[str]) -> Mapping[str, ClusterTemplate]:
        """These templates, whoever may see them; for answers about clusters, which keep their template whatever became of it."""
        ...


class ClusterStore(Protocol):
    """The API's side. `project_id` None means all projects."""

    async def add_cluster(
        self, cluster: Cluster, groups: Sequence[NodeGroup], operation: Operation, *, max_clusters: int
    ) -> None:
        """Spec, node groups, quota count and operation in one transaction, in which the template is still there.

        Raises QuotaExceeded, NotFound (template), Conflict (uuid taken)."""
        ...

    async def find_clusters(self, ident: str, project_id: str | None) -> Sequence[ClusterRow]:
        """By uuid or by name; empty when there is none."""
        ...

    async def recorded(self, uuids: Collection[str]) -> Mapping[str, bool]:
        """Those of these uuids of clusters that something is recorded of, and whether the cluster itself is kept still: operations
        outlive it. In a fixed number of statements."""
        ...

    async def projects_of(self, uuids: Collection[str]) -> Mapping[str, str]:
        """The project of each of these clusters that is kept. In one statement."""
        ...

    async def list_clusters(self, project_id: str | None, page: Page) -> Sequence[ClusterRow]:
        """Raises NotFound for an unknown marker, InvalidRequest for an unknown sort key."""
        ...

    async def list_briefs(self, project_id: str | None, page: Page) -> Sequence[ClusterBrief]:
        """The same clusters in the same order, only what lists show of them."""
        ...

    async def request_delete(self, cluster_uuid: str, operation: Operation) -> Operation:
        """Mark as deleting (once), show DELETE_IN_PROGRESS, queue the operation; ask the running one to stop, supersede queued ones.

        Returns the operation that deletes it: this one, or one that was asked for before. Asked again while a delete
        is queued or running: changes nothing, unless only this one is forced: it takes the other's place then. After a failed
        delete: queues a new one. Raises NotFound.
        """
        ...

    async def request_change(
        self,
        cluster_uuid: str,
        groups: Sequence[NodeGroup],
        operation: Operation,
        *,
        status: Status,
        seen_generation: int | None = None,
    ) -> bool:
        """Write the spec columns of these node groups (new ones are inserted), generation + 1, queue the operation.

        False when the generation is not `seen_generation` any more: somebody else was faster, nothing was changed.
        Raises NotFound (also for the template of an upgrade); raises BeingDeleted.
        """
        ...

    async def request_cancel(self, operation_uuid: str, request_id: str) -> Operation:
        """Ask it to stop; returns it as it is then. One that waits behind another of its cluster ends at once, and its node counts
        go back where nobody has changed the wish since; any other is stopped by whoever runs it. Asked again:
        changes nothing. Raises NotFound; raises Conflict for what is over, for what removes, and for a queued wish that others
        carry out already.
        """
        ...

    async def close_ledger(self, cluster_uuid: str) -> None:
        """What was left behind of a cluster that is gone is gone, too; nothing is changed of one that is kept."""
        ...

    async def record_superseded(self, operation: Operation, why: str) -> None:
        """Keep what was asked for and will not be done, with its reason, for the cluster's timeline; its notification is a failure."""
        ...

    async def record_refusal(self, operation: Operation, why: str) -> None:
        """The same notification, for what was refused to its asker's face; no operation is kept."""
        ...

    async def set_health(self, cluster_uuid: str, health: Health, reason: Mapping[str, str]) -> None:
        """What a tenant's own healer says, whatever the cluster is doing."""
        ...

    async def record_certificate(self, certificate: SignedCertificate) -> None: ...

    async def list_certificates(self, cluster_uuid: str) -> Sequence[SignedCertificate]: ...

    async def list_operations(self, cluster_uuid: str) -> Sequence[Operation]:
        """Newest first. Kept after the cluster is gone."""
        ...

    async def get_operation(self, uuid: str) -> Operation | None: ...

    async def list_steps(self, operation_uuid: str, *, after_id: int = 0) -> Sequence[Step]: ...

    async def list_conductors(self) -> Sequence[Conductor]: ...

    async def totals(self, project_id: str | None) -> Totals: ...

    async def ping(self) -> None:
        """Answers when the database does."""
        ...


class QuotaStore(Protocol):
    """Limits of projects. A project without a row has the installation's default."""

    async def add_quota(self, project_id: str, resource: str, hard_limit: int) -> Quota:
        """Raises Conflict when the project has one for this resource."""
        ...

    async def get_quota(self, project_id: str, resource: str) -> Quota | None: ...

    async def list_quotas(self, project_id: str | None, page: Page) -> Sequence[Quota]:
        """`page.marker` is a number: a quota's id. Raises NotFound for an unknown one, InvalidRequest for an unknown sort key."""
        ...

    async def update_quota(self, project_id: str, resource: str, hard_limit: int) -> Quota:
        """Raises NotFound."""
        ...

    async def delete_quota(self, project_id: str, resource: str) -> None:
        """Raises NotFound."""
        ...


class SecretStore(Protocol):
    """Sealed values of a cluster, by name. The key-encryption key never enters the database."""

    async def put_secrets(self, cluster_uuid: str, values: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Keep these where no value of the name exists yet; returns what is kept now, all names. Repeatable: first writer wins."""
        ...

    async def get_secrets(self, cluster_uuid: str) -> Mapping[str, bytes]: ...


class LeaseStore(Protocol):
    """Which conductors live. After `take_lease`, whatever the conductor's side writes, and `cancel_requested`, raises LeaseOver
    when the lease is gone, and writes nothing."""

    async def take_lease(self, executor_id: str, host: str) -> None:
        """From here on this process writes under a lease of this name; one of the same name that was there before is over."""
        ...

    async def beat(self) -> None:
        """A sign of life. Raises LeaseOver."""
        ...

    async def list_leases(self) -> Sequence[Lease]:
        """All of them, the oldest first."""
        ...

    async def end_lease(self, lease: Lease) -> bool:
        """Take the lease of a silent conductor away; False when it gave a sign of life since, or is gone already."""
        ...

    async def give_lease_back(self) -> None:
        """At an orderly end. Repeatable."""
        ...


class ConductorStore(Protocol):
    """The conductor's side. Methods with a `fence` raise LeaseLost when the cluster's fence is another by now, and write nothing."""

    async def heartbeat(self, host: str, binary: str) -> None: ...

    async def runnable_operations(self, limit: int, *, since: datetime | None = None) -> Sequence[Operation]:
        """Queued operations whose cluster has none running, at most one a cluster; and running ones (for take-over).

        The oldest of each project come first, then the second oldest: a long queue of one project hides nobody else's. `since`:
        only what was asked for after that moment.
        """
        ...

    async def await_operations(self, at_most: timedelta) -> None:
        """Until an operation may have been asked for since the last call, and at the latest after that time. For one caller."""
        ...

    async def begin_operation(self, uuid: str) -> tuple[Operation, int] | None:
        """Mark as running, take the next fence of the cluster, set its status by `domain.begin`.

        None when it is final, when the cluster is gone, and when its status allows no such operation; the last two supersede it.

        Called again (after a crash) for a running one: a new fence, the same start time.
        """
        ...

    async def load(self, cluster_uuid: str) -> ClusterRow | None: ...

    async def cancel_requested(self, operation_uuid: str) -> bool: ...

    async def write_status(self, cluster_uuid: str, fence: int, change: StatusChange) -> None: ...

    async def finish_operation(
        self,
        uuid: str,
        fence: int,
        state: OperationState,
        *,
        change: StatusChange | None = None,
        error: str | None = None,
        error_class: ErrorClass | None = None,
        hint: str | None = None,
    ) -> None:
        """End the operation and write the last status in one transaction."""
        ...

    async def finish_group(self, group_uuid: str, fence: int) -> None:
        """Remove a node group whose machines are gone."""
        ...

    async def remove_cluster(self, cluster_uuid: str, fence: int, operation_uuid: str) -> None:
        """Remove cluster, node groups, secrets; end the operation as succeeded. Operations and steps are kept."""
        ...

    async def open_step(self, step: Step) -> int:
        """Add a timeline row; returns its id."""
        ...

    async def note_step(self, step_id: int, message: str) -> None:
        """What a row tells while it is open; nothing is changed in one that is closed."""
        ...

    async def close_step(
        self,
        step_id: int,
        *,
        ok: bool,
        message: str = "",
        error_class: ErrorClass | None = None,
        hint: str | None = None,
        log: str | None = None,
    ) -> None: ...

    async def open_resource(self, resource: Resource, fence: int) -> None:
        """Write the ledger row before the provider is called. Repeatable."""
        ...

    async def note_found(self, cluster_uuid: str, fence: int, found: Sequence[Resource]) -> None:
        """Ledger rows for what a deletion saw at the provider, with the provider's ids, before it takes it away. Repeatable."""
        ...

    async def close_resources(
        self, cluster_uuid: str, fence: int, names: Sequence[tuple[str, str]] | None = None
    ) -> None:
        """Close ledger rows (kind, name) after their deletion was verified; None closes all of the cluster."""
        ...

    async def open_resources(self, cluster_uuid: str) -> Sequence[Resource]: ...

    async def health_targets(
        self, limit: int, seen_before: datetime, share: Share | None = None
    ) -> Sequence[ClusterRow]:
        """Clusters whose health was looked at before that time or never; not those in progress, or whose creation failed. With a share
        only those which are in it.

        Marks them as looked at. Fewer than the limit are all there are; those whose deletion failed are among them."""
        ...

    async def recorded_machines(self, cluster_uuids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Names of the machines whose ledger row is open, for each of these clusters; in one statement."""
        ...

    async def write_health(
        self,
        cluster_uuid: str,
        health: Health,
        reason: Mapping[str, str],
        ailing: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """Only while the cluster is not in progress; needs no fence since nothing else writes health then. `ailing` None: as it was."""
        ...


class Store(
    TemplateStore, ClusterStore, QuotaStore, SecretStore, ConductorStore, LeaseStore, EventStore, FigureStore, Protocol
):
    """All of it, on one database."""

    async def start(self) -> None:
        """Connect and bring the schema up to date. Raises ConfigError for a schema newer than this program."""
        ...

    async def stop(self) -> None: ...


__all__ = [
    "ClusterBrief",
    "ClusterRow",
    "ClusterStore",
    "Conductor",
    "ConductorStore",
    "GroupStatus",
    "Lease",
    "LeaseStore",
    "Page",
    "Quota",
    "QuotaStore",
    "SecretStore",
    "Share",
    "StatusChange",
    "Store",
    "TemplateStore",
    "Totals",
]
