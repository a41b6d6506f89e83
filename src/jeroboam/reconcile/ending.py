"""How an operation's end shows in the statuses of cluster and node groups. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from ..contracts import ClusterRow, GroupStatus, StatusChange
from ..domain import NodeGroup, Status, Verb, end
from ..domain.errors import JeroboamError
from .scope import Scope

_WORK = {
    Status.CREATE_IN_PROGRESS: Verb.CREATE,
    Status.UPDATE_IN_PROGRESS: Verb.UPDATE,
    Status.DELETE_IN_PROGRESS: Verb.DELETE,
}
_HEALED = {Status.CREATE_FAILED: Status.CREATE_COMPLETE, Status.UPDATE_FAILED: Status.UPDATE_COMPLETE}


def final_change(
    row: ClusterRow, verb: Verb, *, ok: bool, reason: str | None, scope: Scope | None = None
) -> StatusChange:
    """What is written with the operation's end. A group that the operation did not touch keeps its status; one that had
    failed before is whole again when all goes well, since every operation brings about all of the wish."""
    status = end(verb, ok=ok)
    health = scope.health if scope else None
    return StatusChange(
        status=status,
        status_reason=reason,
        clear_reason=reason is None,
        coe_version=health.coe_version if health else None,
        container_version=health.container_version if health else None,
        observed_generation=row.cluster.generation if ok else None,
        groups={group.uuid: _group(group, ok, reason, scope) for group in row.groups},
    )


def restored_counts(scope: Scope) -> dict[str, int]:
    """The counts of before, when the operation ends before it made or removed anything."""
    return {} if scope.timeline.made_or_removed() else dict(scope.operation.details.get("counts", {}))


def cancelled_change(scope: Scope, error: JeroboamError) -> StatusChange:
    """A cluster that was whole, and of which nothing was touched, is what it was; any other has failed, and may be retried."""
    row, operation = scope.row, scope.operation
    restored = restored_counts(scope)
    untouched = operation.kind.takes_its_wish_back and not scope.timeline.made_or_removed()
    whole = row.cluster.observed_generation == operation.generation - 1 == row.cluster.generation - 1
    ok = untouched and whole
    change = final_change(row, operation.verb, ok=ok, reason=None if ok else sentence(error))
    return replace(change, restored=restored, wished_generation=operation.generation)


def sentence(error: JeroboamError) -> str:
    """What failed and the next move, as `status_reason` has them."""
    stop = "" if error.message.endswith((".", "!", "?")) else "."
    return f"{error.message}{stop} {error.hint}" if error.hint else error.message


def _group(group: NodeGroup, ok: bool, reason: str | None, scope: Scope | None) -> GroupStatus:
    work = _WORK.get(group.status)
    if ok and work is Verb.DELETE:
        work = None  # asked for while this operation ended: the next one removes it
    status = end(work, ok=ok) if work else _HEALED.get(group.status, group.status) if ok else group.status
    return GroupStatus(
        status=status if status is not group.status else None,
        status_reason=reason if work else None,
        node_addresses=_addresses(scope, group.name) if scope else None,
        version=_version(scope, group.name) if scope else None,
    )


def _addresses(scope: Scope, group: str) -> tuple[str, ...]:
    if scope.plan is None:
        return ()
    return tuple(m.address for m in scope.plan.keep if m.group == group and m.address)


def _version(scope: Scope, group: str) -> str | None:
    """What the group's nodes say they run, the oldest of them; the cluster's where none says."""
    if scope.health is None:
        return None
    mine = {machine.name for machine in scope.plan.keep if machine.group == group} if scope.plan else set()
    said = [node.version for node in scope.health.nodes if node.name in mine and node.version]
    return min(said, key=_numbers, default=scope.health.coe_version)


def _numbers(version: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", version)]
