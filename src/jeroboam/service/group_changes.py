"""Node groups beside the default ones: add, change, remove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from uuid import uuid4

from ..contracts import ClusterRow, Driver
from ..domain import Labels, NodeGroup, OperationKind, Role, Status
from ..domain.errors import Conflict, NotSupported
from . import catalogue, changes, choice, clusters, group_rules, label_check, node_groups, places
from .changes import Change, Planner, under_way
from .findings import Findings
from .labels import joined
from .services import Asker, Services
from .wishes import counted, machines

# Later on, a cluster without address has none to the outside.
_NOT_UP_YET = (Status.CREATE_IN_PROGRESS, Status.CREATE_FAILED)


@dataclass(frozen=True)
class NewGroup:
    """A wish for a node group. None is "as the cluster has it"."""

    name: str
    node_count: int = 1
    min_node_count: int = 0
    max_node_count: int | None = None
    role_name: str = "worker"
    flavor_id: str | None = None
    image_id: str | None = None
    docker_volume_size_gib: int | None = None
    labels: Labels | None = None
    merge_labels: bool = False
    node_labels: Labels = field(default_factory=dict)
    node_taints: tuple[Mapping[str, str], ...] = ()


async def create(services: Services, asker: Asker, cluster_ident: str, wish: NewGroup) -> tuple[ClusterRow, NodeGroup]:
    """Ask for a group. Raises NotFound, Ambiguous, Forbidden, InvalidRequest, NotSupported, Conflict (name, counts, state)."""
    row = await own(services, asker, cluster_ident, "nodegroup:create")
    group = group_of(wish, row)
    await changes.request(services, asker, row, create_plan(services, group, Findings()))
    return row, group


def create_plan(services: Services, group: NodeGroup, found: Findings) -> Planner:
    """The change that a new group is."""

    async def plan(now: ClusterRow) -> Change:
        await _check_new(services, now, group, found)
        new = [group] if _free(now, group) else []
        summary = f"add node group {group.name} with {counted(group.node_count, 'node')}"
        return Change(OperationKind.NODEGROUP_CREATE, new, summary)

    return plan


async def update(
    services: Services, asker: Asker, cluster_ident: str, ident: str, change: Callable[[NodeGroup], NodeGroup]
) -> tuple[ClusterRow, NodeGroup]:
    """Apply a pure change of limits, node labels or taints; returns the group with its old status. Raises what `create` raises."""
    row = await own(services, asker, cluster_ident, "nodegroup:update")
    wished = change(node_groups.pick(row, ident))
    group_rules.check(wished)

    async def plan(now: ClusterRow) -> Change | None:
        old = node_groups.pick(now, ident)
        new = change(old)
        group_rules.check(new)
        if new == old:
            return None
        if old.deleting:
            summary = f"change node group {old.name}"
            why = f"Not begun: node group {old.name} is being deleted."
            return Change(OperationKind.NODEGROUP_UPDATE, [], summary, dropped=why)
        changed = replace(new, status=under_way(old.status))
        return Change(OperationKind.NODEGROUP_UPDATE, [changed], f"change node group {old.name}")

    await changes.request(services, asker, row, plan)
    return row, wished


async def delete(services: Services, asker: Asker, cluster_ident: str, ident: str) -> None:
    """Ask for a group's end; again while it lasts is fine. Raises NotFound, Ambiguous, Forbidden, NotSupported, Conflict."""
    row = await own(services, asker, cluster_ident, "nodegroup:delete")
    if node_groups.pick(row, ident).is_default:
        raise NotSupported("Deleting a default nodegroup is not supported.")
    changes.check_resizable(services, row)

    async def plan(now: ClusterRow) -> Change | None:
        group = node_groups.pick(now, ident)
        retry = group.status is Status.DELETE_FAILED
        if now.cluster.deleting or (group.deleting and not retry):  # it goes already
            return None
        gone = replace(group, deleting=True, status=Status.DELETE_IN_PROGRESS)
        summary = f"remove node group {group.name} with {counted(group.node_count, 'node')}"
        return Change(OperationKind.NODEGROUP_DELETE, [gone], summary)

    await changes.request(services, asker, row, plan)


async def own(services: Services, asker: Asker, ident: str, rule: str) -> ClusterRow:
    """The cluster. Writes stay in the caller's project, also for administrators; the rule's target is the caller.
    Raises NotFound, Ambiguous, Forbidden."""
    services.policy.require(rule, asker.caller)
    return await clusters.find(services, ident, asker.caller.project_id)


def group_of(wish: NewGroup, row: ClusterRow) -> NodeGroup:
    """The group of a wish, with the cluster's values for what it leaves open."""
    cluster = row.cluster
    return NodeGroup(
        uuid=str(uuid4()),
        cluster_uuid=cluster.uuid,
        name=wish.name,
        role=Role.WORKER,
        role_name=wish.role_name,
        project_id=cluster.project_id,
        node_count=wish.node_count,
        image_id=wish.image_id or cluster.shape.image_id,
        flavor_id=wish.flavor_id or cluster.shape.flavor_id,
        min_node_count=wish.min_node_count,
        max_node_count=wish.max_node_count,
        docker_volume_size_gib=wish.docker_volume_size_gib,
        labels=joined(cluster.shape.labels, wish.labels, merge=wish.merge_labels),
        node_labels=wish.node_labels,
        node_taints=wish.node_taints,
    )


async def _check_new(services: Services, row: ClusterRow, group: NodeGroup, found: Findings) -> None:
    cluster = row.cluster
    with found.check():
        if group.role_name == "master":
            raise NotSupported("Creating master nodegroups is currently not supported.")
    with found.check():
        if cluster.api_address is None and cluster.status in _NOT_UP_YET:
            raise Conflict("Cluster API address is not available yet")
    with found.check():
        if not _free(row, group):
            raise Conflict(f"A node group with name {group.name} already exists in the cluster {cluster.name}.")
    with found.check():
        if cluster.deleting:
            raise Conflict(f"Cluster {cluster.uuid} is being deleted.")
    with found.check():
        group_rules.check(group)
    with found.check():
        changes.check_resizable(services, row)
    with found.check():
        clusters.check_total(services, sum(one.node_count for one in row.groups) + group.node_count)
    await _check_place(services, row, group, found)


def _free(row: ClusterRow, group: NodeGroup) -> bool:
    return all(one.name != group.name for one in row.groups)


async def _check_place(services: Services, row: ClusterRow, group: NodeGroup, found: Findings) -> None:
    """What the catalogue, the driver and the provider say of it."""
    cluster, look_up = row.cluster, services.provider.catalogue
    with found.check():
        catalogue.check_labels(group.labels)
    default = services.settings.default_boot_volume_size_gib
    labels = cluster.shape.labels  # the cluster's, not the group's: as Magnum has it
    with found.check():
        await catalogue.check_root_volumes(look_up, cluster.project_id, labels, [group.flavor_id], default)
    with found.check():
        await catalogue.check_flavor(look_up, cluster.project_id, group.flavor_id)
    image = driver = None
    with found.check():
        image = await catalogue.image(look_up, cluster.project_id, group.image_id)
    with found.check():
        driver = choice.loaded(services, cluster.shape.driver)
    if driver is not None:
        with found.check():
            await _check_strict(services, row, group, driver)
        if image is not None:
            found.refuse(driver.validate(cluster, [*row.groups, group], image))
        found.refuse(await places.size_problems(services, driver, cluster.project_id, [group]))
    if image is not None:
        found.refuse(await services.provider.preflight(cluster, machines(cluster, [group], image)))


async def _check_strict(services: Services, row: ClusterRow, group: NodeGroup, driver: Driver) -> None:
    """The template's word counts, also where the cluster has labels of its own."""
    uuid = row.cluster.template_uuid
    template = (await services.store.templates_by_uuid({uuid})).get(uuid)
    parents = [row.cluster.shape.labels, *([template.shape.labels] if template else [])]
    if any(label_check.is_strict(labels) for labels in parents):
        label_check.check_strict(driver, group.labels, services.place_labels)
