"""What a request would do, without doing it: its problems, all of them, and what would be made, replaced or removed.

The checks and the machine plan are those of the real request and of the reconciler; nothing is kept, at the provider nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..contracts import ClusterRow, Image, Machine, MachineSpec
from ..domain import Cluster, Labels, NodeGroup, OperationKind, Status, Upgrade
from ..domain.errors import Conflict, InvalidRequest, UserError
from ..planning import plan_machines, runs
from . import abilities, changes, choice, clusters, group_changes, label_check, quotas
from .abilities import UpgradeWish
from .changes import Change, Planner, Resize, under_way
from .findings import Findings
from .group_changes import NewGroup
from .label_check import LabelFinding
from .quotas import Room
from .services import Asker, Services
from .wishes import NewCluster, counted

Action = Literal["make", "replace", "remove"]
_LABEL = re.compile(r"labels[./](.+)")


@dataclass(frozen=True)
class Move:
    """One thing that would be made, replaced or removed. The last three are None for what is no machine."""

    action: Action
    kind: str  # machine, network, endpoint; of a deletion the provider's own word
    name: str
    group: str | None = None
    image_id: str | None = None
    flavor_id: str | None = None


@dataclass(frozen=True)
class Preview:
    """`status` is what the cluster would show meanwhile; None where nothing would be done."""

    kind: OperationKind
    summary: str
    status: Status | None
    moves: Sequence[Move] = ()
    problems: Sequence[UserError] = ()
    warnings: Sequence[LabelFinding] = ()
    room: Room | None = None  # of a creation: the project's clusters


async def of_create(services: Services, asker: Asker, wish: NewCluster) -> Preview:
    """Raises NotFound (template), Ambiguous, Forbidden: without a template there is nothing to plan."""
    found = Findings(keep=True)
    draft = await clusters.drafted(services, asker, wish, found)
    shape = draft.cluster.shape
    doubts = label_check.findings(draft.driver, shape.labels, services.place_labels) if draft.driver else []
    problems = _with_values(_without_vain(found.problems), shape.labels)
    specs = plan_machines(draft.cluster, draft.groups, ()).ensure
    return Preview(
        kind=OperationKind.CREATE,
        summary=draft.summary,
        status=Status.CREATE_IN_PROGRESS,
        moves=[
            Move("make", "network", draft.cluster.name),
            Move("make", "endpoint", draft.cluster.name),
            *_made(specs),
        ],
        problems=problems,
        warnings=_apart(doubts, problems),
        room=await quotas.room(services, asker.caller.project_id),
    )


async def of_resize(services: Services, asker: Asker, ident: str, wish: Resize) -> Preview:
    """Raises NotFound (cluster, group), Ambiguous, Forbidden."""
    row = await clusters.authorised(services, asker.caller, ident, "cluster:resize")
    found = Findings(keep=True)
    return await _of_change(services, row, OperationKind.RESIZE, changes.resize_plan(services, wish, found), found)


async def of_new_group(services: Services, asker: Asker, ident: str, wish: NewGroup) -> Preview:
    """Raises NotFound (cluster), Ambiguous, Forbidden."""
    row = await group_changes.own(services, asker, ident, "nodegroup:create")
    found, group = Findings(keep=True), group_changes.group_of(wish, row)
    plan = group_changes.create_plan(services, group, found)
    doubted = group.labels if wish.labels else {}
    return await _of_change(services, row, OperationKind.NODEGROUP_CREATE, plan, found, doubted)


async def of_upgrade(services: Services, asker: Asker, ident: str, wish: UpgradeWish) -> Preview:
    """Raises NotFound (cluster, template, group), Ambiguous, Forbidden."""
    caller = asker.caller
    row = await clusters.authorised(services, caller, ident, "cluster:upgrade", across="cluster:upgrade_all_projects")
    found = Findings(keep=True)
    plan = await abilities.upgrade_plan(services, caller, wish, found)
    return await _of_change(services, row, OperationKind.UPGRADE, plan, found)


async def of_delete(services: Services, asker: Asker, ident: str) -> Preview:
    """Raises NotFound, Ambiguous, Forbidden."""
    row = await clusters.authorised(
        services, asker.caller, ident, "cluster:delete", across="cluster:delete_all_projects"
    )
    found = Findings(keep=True)
    with found.check():
        services.ask_gates(row.cluster, OperationKind.DELETE)
    there = await services.provider.list_resources(row.cluster.uuid)
    return Preview(
        kind=OperationKind.DELETE,
        summary=f"delete {counted(sum(group.node_count for group in row.groups), 'node')}",
        status=Status.DELETE_IN_PROGRESS,
        moves=[Move("remove", one.kind, one.name) for one in there],
        problems=found.problems,
    )


async def _of_change(
    services: Services,
    row: ClusterRow,
    kind: OperationKind,
    plan: Planner,
    found: Findings,
    doubted: Labels | None = None,
) -> Preview:
    """`doubted`: labels that the request brings, which may not do what their writer thinks."""
    change = await plan(row)
    if change is None:
        return Preview(kind, "nothing to change", None, problems=found.problems)
    with found.check():
        if change.dropped or row.cluster.deleting:
            raise Conflict(change.dropped or f"Cluster {row.cluster.uuid} is being deleted.")
        services.ask_gates(row.cluster, kind)
    target = Upgrade.of(change.details) if kind is OperationKind.UPGRADE else None
    if target is not None:
        doubted = target.cluster(row.cluster).shape.labels
    problems = _with_values(found.problems, doubted or row.cluster.shape.labels)
    return Preview(
        kind=kind,
        summary=change.summary,
        status=under_way(row.cluster.status),
        moves=await _moves(services, row, change, target),
        problems=problems,
        warnings=_apart(_doubts(services, row.cluster, doubted or {}), problems),
    )


def _without_vain(problems: Sequence[UserError]) -> list[UserError]:
    """A load balancer does not help where the driver does not serve so many control planes, so the lack of one is no news then."""
    unserved = any(isinstance(one, InvalidRequest) and one.field == "master_count" for one in problems)
    return [one for one in problems if not (unserved and one.message == clusters.NO_API_LB)]


def _with_values(problems: Sequence[UserError], labels: Labels) -> list[UserError]:
    """Each that is about a label with its field in one spelling and what was given: drivers name the label only."""
    return [_with_value(one, labels) for one in problems]


def _with_value(problem: UserError, labels: Labels) -> UserError:
    if not isinstance(problem, InvalidRequest) or not (named := _LABEL.fullmatch(problem.field)):
        return problem
    value = labels.get(named[1]) if problem.value is None else problem.value
    return InvalidRequest(problem.message, field=f"labels.{named[1]}", value=value, hint=problem.hint)


def _apart(doubts: Sequence[LabelFinding], problems: Sequence[UserError]) -> list[LabelFinding]:
    """Without what a problem tells already."""
    told = {problem.field for problem in problems if isinstance(problem, InvalidRequest)}
    return [doubt for doubt in doubts if doubt.field not in told]


async def _moves(services: Services, row: ClusterRow, change: Change, target: Upgrade | None) -> list[Move]:
    """From the provider's own view, as the reconciler would see it now."""
    seen = await services.provider.list_machines(row.cluster.uuid)
    wished = {group.uuid: group for group in change.groups}
    groups = [wished.pop(group.uuid, group) for group in row.groups] + list(wished.values())
    if target is not None:
        groups = [target.group(group) for group in groups]
    plan = plan_machines(row.cluster, groups, seen)
    moves = [
        *_made(plan.ensure),
        *(Move("remove", "machine", one.name, one.group, one.image_id) for one in plan.remove),
    ]
    if target is None or change.image is None:  # of an image that is not there nothing is made
        return moves
    return moves + _replaced(target, change.image, groups, plan.keep)


def _replaced(target: Upgrade, image: Image, groups: Sequence[NodeGroup], there: Sequence[Machine]) -> list[Move]:
    """Machines of the target's groups that are of another image."""
    affected = {group.name: group for group in groups if group.uuid in target.groups}
    return [
        Move("replace", "machine", one.name, one.group, group.image_id, group.flavor_id)
        for one in there
        if (group := affected.get(one.group)) and not runs(one, target.image_id, image)
    ]


def _made(specs: Sequence[MachineSpec]) -> list[Move]:
    return [Move("make", "machine", spec.name, spec.group, spec.image_id, spec.flavor_id) for spec in specs]


def _doubts(services: Services, cluster: Cluster, labels: Labels) -> list[LabelFinding]:
    try:
        driver = choice.loaded(services, cluster.shape.driver)
    except InvalidRequest:
        return []
    return label_check.findings(driver, labels, services.place_labels)
