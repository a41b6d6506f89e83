"""Changes of a live cluster: the one way in which node groups and the operation that brings them about are written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ..contracts import ClusterRow, Image, Machine, Problem
from ..domain import FAILED, IN_PROGRESS, Health, NodeGroup, Operation, OperationKind, Role, Status
from ..domain.errors import BeingDeleted, InvalidRequest, NotSupported, Permanent, RetryLater
from . import choice, clusters, node_groups
from .findings import Findings
from .services import Asker, Services
from .wishes import WORKER_GROUP, counted, machines, operation

_ATTEMPTS = 5


@dataclass(frozen=True)
class Change:
    """Node groups as they shall be, and what that is: its kind, a few words, what the operation keeps. `dropped` says why the
    present state does not allow it; then nothing is done but to remember that. `image` is the one that an upgrade goes to."""

    kind: OperationKind
    groups: Sequence[NodeGroup]
    summary: str
    details: Mapping[str, Any] = field(default_factory=dict)
    dropped: str = ""
    image: Image | None = None
    status: Status | None = None  # what the cluster shows meanwhile; None: that it is updated


Planner = Callable[[ClusterRow], Awaitable[Change | None]]
"""From the cluster as read to the change, or None when nothing is to do. May be asked again with a newer row."""


@dataclass(frozen=True)
class Resize:
    """A wish for another number of nodes in a group (None: the default workers). `remove_nodes` are ids, names, addresses or indexes."""

    node_count: int
    remove_nodes: tuple[str, ...] = ()
    group: str | None = None


async def resize(services: Services, asker: Asker, ident: str, wish: Resize) -> str:
    """Ask for it; returns the cluster's uuid. Raises NotFound, Ambiguous, Forbidden, InvalidRequest, NotSupported, Conflict."""
    row = await clusters.authorised(services, asker.caller, ident, "cluster:resize")
    await request(services, asker, row, resize_plan(services, wish, Findings()))
    return row.cluster.uuid


def resize_plan(services: Services, wish: Resize, found: Findings) -> Planner:
    """The change that a resize is. It raises NotFound (group), whatever `found` does with the rest."""

    async def plan(now: ClusterRow) -> Change | None:
        group = node_groups.pick(now, wish.group or WORKER_GROUP)
        with found.check():
            _check_range(group, wish.node_count)
        named: Mapping[str, str] = {}
        with found.check():
            named = await _machines(services, now, group, wish.remove_nodes)
        change = _resized(services, OperationKind.RESIZE, now, group, wish.node_count, named, found)
        await _check_room(services, now, group, change, found)
        return change

    return plan


@dataclass(frozen=True)
class Update:
    """What PATCH may change. None leaves it alone."""

    worker_count: int | None = None
    health: Health | None = None
    health_reason: dict[str, str] | None = None


async def update(services: Services, asker: Asker, ident: str, wish_of: Callable[[ClusterRow], Update]) -> str:
    """Apply a pure wish to the cluster as it is; returns its uuid. Raises what `resize` raises."""
    caller = asker.caller
    row = await clusters.authorised(services, caller, ident, "cluster:update", across="cluster:update_all_projects")
    services.policy.require("cluster:update_health_status", caller)
    wish = wish_of(row)
    if wish.worker_count is not None:
        count = wish.worker_count

        async def plan(now: ClusterRow) -> Change | None:
            group = node_groups.pick(now, WORKER_GROUP)
            change = _resized(services, OperationKind.UPDATE, now, group, count, {}, Findings())
            await _check_room(services, now, group, change, Findings())
            return change

        await request(services, asker, row, plan)
    if wish.health is not None or wish.health_reason is not None:
        health = wish.health or row.cluster.health or Health.UNKNOWN
        reason = row.cluster.health_reason if wish.health_reason is None else wish.health_reason
        await services.store.set_health(row.cluster.uuid, health, reason)
    return row.cluster.uuid


async def request_kept(services: Services, asker: Asker, row: ClusterRow, plan: Planner) -> Operation:
    """`request` of a plan that always has something to do: the operation as it was kept, with the time of its writing."""
    wanted = await request(services, asker, row, plan)
    kept = None if wanted is None else await services.store.get_operation(wanted.uuid)
    if kept is None:
        raise RuntimeError("a plan with nothing to do, or an operation that was not kept")
    return kept


async def request(services: Services, asker: Asker, row: ClusterRow, plan: Planner) -> Operation | None:
    """Write what `plan` says and queue the operation. When somebody else changes the cluster meanwhile, plan again on what is there.

    Returns the operation, None when nothing is to do. What the state does not allow is kept as superseded, with the reason:
    asked for, answered, never dropped in silence.
    Raises NotFound when the cluster is gone, RetryLater when others are always faster.
    """
    for _ in range(_ATTEMPTS):
        change = await plan(row)
        if change is None:
            return None
        cluster = row.cluster
        wanted = operation(cluster, change.kind, asker, change.summary, change.details)
        dropped = change.dropped or ("Not begun: the cluster is being deleted." if cluster.deleting else "")
        if dropped:
            await services.store.record_superseded(wanted, dropped)
            return wanted
        services.ask_gates(cluster, change.kind)
        try:
            if await services.store.request_change(
                cluster.uuid,
                change.groups,
                wanted,
                status=change.status or under_way(cluster.status),
                seen_generation=cluster.generation,
            ):
                return wanted
        except BeingDeleted:
            pass  # since it was read
        row = await clusters.find(services, cluster.uuid, None)
    raise RetryLater(f"Cluster {row.cluster.name} is changed by others all the time.", after_s=1)


def under_way(status: Status) -> Status:
    """What runs already keeps its name until it ends: a create that goes on after a crash must find itself as such."""
    return status if status in IN_PROGRESS else Status.UPDATE_IN_PROGRESS


def check_resizable(services: Services, row: ClusterRow) -> None:
    """Raises NotSupported when the driver cannot change the number of nodes."""
    driver = choice.loaded(services, row.cluster.shape.driver)
    if not driver.capabilities.resize:
        raise NotSupported(f"Resizing is not supported by the driver {driver.name}.")


def _resized(
    services: Services,
    kind: OperationKind,
    row: ClusterRow,
    group: NodeGroup,
    count: int,
    named: Mapping[str, str],
    found: Findings,
) -> Change | None:
    """`named` are machines to remove: id to name."""
    with found.check():
        check_resizable(services, row)
    remove, words = tuple(named), tuple(named.values())
    with found.check():
        if group.role is Role.CONTROL_PLANE:
            raise NotSupported("Resizing the master nodegroup is not supported by this driver.")
    if group.deleting:
        return Change(kind, [], f"resize {group.name}", dropped=f"Not begun: node group {group.name} is being deleted.")
    if count == group.node_count and not remove and row.cluster.status not in FAILED:
        return None  # after a failure the same count is a wish to try again
    others = sum(one.node_count for one in row.groups if one.uuid != group.uuid)
    with found.check():
        clusters.check_total(services, others + count)
    still = group.remove_nodes if row.cluster.status in IN_PROGRESS else ()  # asked for before, perhaps not done yet
    changed = replace(
        group,
        node_count=count,
        remove_nodes=tuple(dict.fromkeys((*still, *remove))),
        status=under_way(group.status),
    )
    summary = f"resize {group.name} from {group.node_count} to {counted(count, 'node')}"
    details = {"counts": {group.uuid: group.node_count}, "wished": {group.uuid: count}, "named": {group.uuid: remove}}
    return Change(kind, [changed], summary + (f", removing {', '.join(words)}" if words else ""), details)


async def _check_room(
    services: Services, row: ClusterRow, group: NodeGroup, change: Change | None, found: Findings
) -> None:
    """The provider's word on the machines by which the group grows. One that cannot be asked now refuses nothing: the operation
    will tell."""
    if change is None or change.dropped or row.cluster.deleting or group.role is Role.CONTROL_PLANE:
        return
    more = change.groups[0].node_count - group.node_count
    if more <= 0:
        return
    problems: list[Problem] = []
    with suppress(RetryLater, Permanent):
        images = await services.provider.catalogue.find_images(row.cluster.project_id, group.image_id)
        if len(images) == 1:
            grown = machines(row.cluster, [replace(group, node_count=more, remove_nodes=())], images[0])
            problems = await services.provider.preflight(row.cluster, grown)
    found.refuse(problems)


def _check_range(group: NodeGroup, count: int) -> None:
    if count < group.min_node_count or (group.max_node_count and count > group.max_node_count):
        raise InvalidRequest(
            f"Resizing {group.name} outside the allowed range: min_node_count = {group.min_node_count}, "
            f"max_node_count = {group.max_node_count}",
            field="node_count",
            value=count,
        )


async def _machines(services: Services, row: ClusterRow, group: NodeGroup, wanted: tuple[str, ...]) -> dict[str, str]:
    """The machines that are meant: id to name. Raises InvalidRequest for one that the group does not have."""
    if not wanted:
        return {}
    seen = await services.provider.list_machines(row.cluster.uuid)
    by_word = {word: one for one in seen if one.group == group.name for word in _words(one)}
    for word in wanted:
        if word not in by_word:
            raise InvalidRequest(
                f"Node {word} is not in the node group {group.name}.",
                field="remove_nodes",
                value=word,
                hint="Name nodes by server id, name, address or index.",
            )
    return {by_word[word].id: by_word[word].name for word in wanted}


def _words(machine: Machine) -> set[str]:
    return {machine.id, machine.name, str(machine.index)} | ({machine.address} if machine.address else set())
