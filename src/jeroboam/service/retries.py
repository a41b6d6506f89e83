"""Once more: what failed, or was cancelled, goes on from what is there."""

from __future__ import annotations

from dataclasses import replace

from ..contracts import ClusterRow
from ..domain import FAILED, IN_PROGRESS, NodeGroup, Operation, OperationKind, OperationState, Status, again
from ..domain.errors import Conflict
from . import changes, clusters
from .changes import Change
from .services import Asker, Services

_AGAIN = "retry: "


async def retry(services: Services, asker: Asker, ident: str) -> Operation:
    """Ask for it; returns the new operation.

    Raises NotFound, Ambiguous, Forbidden, NotSupported; Conflict while an operation is at work and when nothing has failed.
    """
    row = await clusters.authorised(services, asker.caller, ident, "cluster:retry", across="cluster:retry_all_projects")
    if row.cluster.status is Status.DELETE_FAILED:
        return await clusters.ask_deletion(services, asker, row)

    async def plan(now: ClusterRow) -> Change:
        _check_failed(now)
        return _once_more(now, await _failed(services, now))

    return await changes.request_kept(services, asker, row, plan)


def _check_failed(row: ClusterRow) -> None:
    cluster = row.cluster
    if cluster.deleting:
        raise Conflict(f"Cluster {cluster.name} is being deleted.")
    if cluster.status not in FAILED:
        busy = cluster.status in IN_PROGRESS
        raise Conflict(
            f"Cluster {cluster.name} is {cluster.status}: {'it is worked on' if busy else 'nothing has failed'}.",
            hint="Wait for the operation's end, or cancel it first." if busy else "",
        )


async def _failed(services: Services, row: ClusterRow) -> Operation | None:
    """What ended last without success. One that never began changed nothing, and is not what the cluster failed at."""
    ended = [
        one
        for one in await services.store.list_operations(row.cluster.uuid)
        if one.state in (OperationState.FAILED, OperationState.CANCELLED) and one.started_at and one.finished_at
    ]
    return max(ended, key=lambda one: (one.finished_at, one.started_at), default=None)


def _once_more(row: ClusterRow, failed: Operation | None) -> Change:
    """The same kind with the same details. Without a record of the failure, all of the wish is brought about."""
    creating = row.cluster.status is Status.CREATE_FAILED
    kind = failed.kind if failed else OperationKind.CREATE if creating else OperationKind.UPDATE
    if kind is OperationKind.CREATE and not creating:
        kind = OperationKind.UPDATE
    details = dict(failed.details) if failed else {}
    details.pop("cancelled_by", None)
    groups = [_group(row, group, failed) for group in row.groups]
    if counts := {
        now.uuid: was.node_count
        for was, now in zip(row.groups, groups, strict=True)
        if now.node_count != was.node_count
    }:
        details["counts"] = counts
    else:
        details.pop("counts", None)
    summary = (failed.summary.removeprefix(_AGAIN) if failed else "") or str(kind)
    status = Status.CREATE_IN_PROGRESS if kind is OperationKind.CREATE else Status.UPDATE_IN_PROGRESS
    changed = [now for was, now in zip(row.groups, groups, strict=True) if now != was]
    details["retry_of"] = failed.uuid if failed else ""
    return Change(kind, changed, f"{_AGAIN}{summary}", details, status=status)


def _group(row: ClusterRow, group: NodeGroup, failed: Operation | None) -> NodeGroup:
    """In progress again, with the count that was taken back when the operation ended before it had made anything."""
    group = replace(group, status=again(group.status))
    if (
        failed is None
        or failed.generation != row.cluster.generation
        or group.uuid not in failed.details.get("wished", {})
    ):
        return group
    named = failed.details.get("named", {}).get(group.uuid, ())
    return replace(
        group,
        node_count=failed.details["wished"][group.uuid],
        remove_nodes=tuple(dict.fromkeys((*group.remove_nodes, *named))),
        status=Status.UPDATE_IN_PROGRESS,
    )
