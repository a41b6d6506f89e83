"""Clusters, from the API's side: spec columns, operations asked for, quota, certificates given out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..contracts import ClusterBrief, ClusterRow, Conductor, Page, Totals
from ..domain import (
    Cluster,
    Health,
    NodeGroup,
    Operation,
    OperationKind,
    OperationState,
    Role,
    SignedCertificate,
    Status,
    Step,
    Upgrade,
)
from ..domain.errors import BeingDeleted, Conflict, NotFound, QuotaExceeded
from .among import among
from .cluster_rows import with_groups
from .event_store import Events
from .ident import named
from .paging import Listing, page_of
from .rows import dicts, plain, values
from .tables import certificates, clusters, node_groups, operations, quotas, resources, services, steps, templates
from .writing import Writing

_LIVE = (OperationState.QUEUED, OperationState.RUNNING)
_PAST = {
    OperationState.SUCCEEDED: "has succeeded",
    OperationState.FAILED: "has failed",
    OperationState.CANCELLED: "was cancelled",
    OperationState.SUPERSEDED: "was superseded",
    OperationState.QUEUED: "belongs to no cluster",
    OperationState.RUNNING: "belongs to no cluster",
}
_GROUP_STATUS = frozenset({"status", "status_reason", "node_addresses", "version"})


def _nodes(role: Role) -> sa.ScalarSelect[Any]:
    count = sa.func.coalesce(sa.func.sum(node_groups.c.node_count), 0)
    mine = sa.and_(node_groups.c.cluster_uuid == clusters.c.uuid, node_groups.c.role == role)
    return sa.select(sa.cast(count, sa.BigInteger)).where(mine).scalar_subquery()


_MINE = clusters.c.project_id == sa.bindparam("project")
_WHOLE = sa.select(clusters)
_BRIEF = sa.select(
    *(clusters.c[name] for name in ClusterBrief.COLUMNS),
    _nodes(Role.WORKER).label("workers"),
    _nodes(Role.CONTROL_PLANE).label("control_planes"),
)
_ALL, _OF_PROJECT = (Listing(clusters, "Cluster", _WHOLE, where) for where in (sa.true(), _MINE))
_ALL_BRIEF, _OF_PROJECT_BRIEF = (Listing(clusters, "Cluster", _BRIEF, where) for where in (sa.true(), _MINE))


def _totals(clusters_of: sa.ColumnElement[bool], groups_of: sa.ColumnElement[bool]) -> sa.Select[Any]:
    count = sa.select(sa.func.count()).select_from(clusters).where(clusters_of).scalar_subquery()
    nodes = sa.func.coalesce(sa.func.sum(node_groups.c.node_count), 0)
    return sa.select(count, sa.select(nodes).where(groups_of).scalar_subquery())


_TOTALS = _totals(sa.true(), sa.true())
_TOTALS_OF_PROJECT = _totals(_MINE, node_groups.c.project_id == sa.bindparam("project"))
_KEPT = among(sa.select(clusters.c.uuid), clusters.c.uuid)
_PROJECTS = among(sa.select(clusters.c.uuid, clusters.c.project_id), clusters.c.uuid)
_KNOWN = among(sa.select(operations.c.cluster_uuid).distinct(), operations.c.cluster_uuid)
_LIMIT = sa.select(quotas.c.hard_limit).where(
    quotas.c.project_id == sa.bindparam("project"), quotas.c.resource == "Cluster"
)
_COUNT = sa.select(sa.func.count()).select_from(clusters).where(_MINE)
_HELD_TEMPLATE = sa.select(templates.c.id).where(templates.c.uuid == sa.bindparam("uuid")).with_for_update(read=True)
_LOCK_PROJECT = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(sa.bindparam("project"))))


def _brief(row: sa.Row[Any]) -> ClusterBrief:
    return ClusterBrief(*cast("tuple[Any, ...]", row))


_OPERATION = sa.select(operations).where(operations.c.uuid == sa.bindparam("operation"))
_STEPS = (
    sa.select(steps)
    .where(steps.c.operation_uuid == sa.bindparam("operation"), steps.c.id > sa.bindparam("after"))
    .order_by(steps.c.id)
)


class Clusters(Events):
    """Implements contracts.ClusterStore."""

    async def add_cluster(
        self, cluster: Cluster, groups: Sequence[NodeGroup], operation: Operation, *, max_clusters: int
    ) -> None:
        now = self._clock.now()
        async with self._write() as connection:
            await self._check_quota(connection, cluster.project_id, max_clusters)
            await _hold_template(connection, cluster.template_uuid)
            try:
                await connection.execute(clusters.insert(), {**values(cluster), "created_at": now})
            except IntegrityError as error:
                raise Conflict(f"A cluster with UUID {cluster.uuid} already exists.") from error
            await connection.execute(node_groups.insert(), [{**values(group), "created_at": now} for group in groups])
            await connection.execute(operations.insert(), {**values(operation), "created_at": now})
            await self._arrivals.announce(connection)

    async def _check_quota(self, connection: Writing, project_id: str, max_clusters: int) -> None:
        bound = {"project": project_id}
        if not self._sqlite:  # SQLite holds the write lock already
            await connection.execute(_LOCK_PROJECT, bound)
        limit = (await connection.execute(_LIMIT, bound)).scalar()
        limit = max_clusters if limit is None else limit
        if (await connection.execute(_COUNT, bound)).scalar_one() >= limit:
            raise QuotaExceeded(
                f"Resource limit exceeded: You have reached the maximum clusters per project, {limit}. "
                "You may delete a cluster to make room for a new one."
            )

    async def find_clusters(self, ident: str, project_id: str | None) -> Sequence[ClusterRow]:
        listing, bound = (_ALL, {}) if project_id is None else (_OF_PROJECT, {"project": project_id})
        return await self._look(lambda connection: with_groups(connection, named(connection, listing, ident, bound)))

    async def recorded(self, uuids: Collection[str]) -> Mapping[str, bool]:
        bound = {"uuids": sorted(uuids)}
        async with self._read() as connection:
            known = await connection.execute(_KNOWN[connection.dialect.name], bound)
            kept = set((await connection.execute(_KEPT[connection.dialect.name], bound)).scalars())
            return {uuid: uuid in kept for uuid in {*known.scalars(), *kept}}

    async def projects_of(self, uuids: Collection[str]) -> Mapping[str, str]:
        async with self._read() as connection:
            found = await connection.execute(_PROJECTS[connection.dialect.name], {"uuids": sorted(uuids)})
            return {row.uuid: row.project_id for row in found}

    async def list_clusters(self, project_id: str | None, page: Page) -> Sequence[ClusterRow]:
        listing, bound = (_ALL, {}) if project_id is None else (_OF_PROJECT, {"project": project_id})
        return await self._look(lambda connection: with_groups(connection, page_of(connection, listing, page, bound)))

    async def list_briefs(self, project_id: str | None, page: Page) -> Sequence[ClusterBrief]:
        listing, bound = (_ALL_BRIEF, {}) if project_id is None else (_OF_PROJECT_BRIEF, {"project": project_id})
        return await self._look(lambda connection: [_brief(row) for row in page_of(connection, listing, page, bound)])

    async def request_delete(self, cluster_uuid: str, operation: Operation) -> Operation:
        now = self._clock.now()
        async with self._write() as connection:
            found = await connection.execute(self._locked(clusters.c.uuid == cluster_uuid))
            if found.first() is None:
                raise NotFound("Cluster", cluster_uuid)
            live = dicts(
                await connection.execute(
                    sa.select(operations).where(
                        operations.c.cluster_uuid == cluster_uuid, operations.c.state.in_(_LIVE)
                    )
                )
            )
            for deletion in (plain(Operation, row) for row in live if row["kind"] is OperationKind.DELETE):
                if (deletion.forced or not operation.forced) and not deletion.cancel_requested:
                    return deletion
            await self._clear_the_way(connection, live)
            await connection.execute(
                clusters.update()
                .where(clusters.c.uuid == cluster_uuid)
                .values(deleting=True, status=Status.DELETE_IN_PROGRESS, status_reason=None, updated_at=now)
            )
            await connection.execute(
                node_groups.update()
                .where(node_groups.c.cluster_uuid == cluster_uuid)
                .values(status=Status.DELETE_IN_PROGRESS)
            )
            await connection.execute(operations.insert(), {**values(operation), "created_at": now})
            await self._arrivals.announce(connection)
            return replace(operation, created_at=now)

    async def close_ledger(self, cluster_uuid: str) -> None:
        async with self._write() as connection:
            kept = sa.exists().where(clusters.c.uuid == cluster_uuid)
            still = sa.and_(resources.c.cluster_uuid == cluster_uuid, resources.c.closed_at.is_(None), ~kept)
            await connection.execute(resources.update().where(still).values(closed_at=self._clock.now()))

    async def _clear_the_way(self, connection: Writing, live: list[dict[str, Any]]) -> None:
        for row in live:
            change: dict[str, Any] = {"cancel_requested": True}
            if row["state"] is OperationState.QUEUED:
                again = row["kind"] is OperationKind.DELETE
                change.update(
                    state=OperationState.SUPERSEDED,
                    error=f"Not begun: {'a forced deletion took its place' if again else 'the cluster is being deleted'}.",
                    finished_at=self._clock.now(),
                )
            await connection.execute(operations.update().where(operations.c.id == row["id"]).values(change))
            if "error" in change:
                await self._record_event(connection, plain(Operation, row), "failure", change["error"])

    async def request_change(
        self,
        cluster_uuid: str,
        groups: Sequence[NodeGroup],
        operation: Operation,
        *,
        status: Status,
        seen_generation: int | None = None,
    ) -> bool:
        now = self._clock.now()
        async with self._write() as connection:
            found = dicts(await connection.execute(self._locked(clusters.c.uuid == cluster_uuid)))
            if not found:
                raise NotFound("Cluster", cluster_uuid)
            if found[0]["deleting"]:
                raise BeingDeleted(f"Cluster {cluster_uuid} is being deleted.")
            if seen_generation not in (None, found[0]["generation"]):
                return False
            if operation.kind is OperationKind.UPGRADE:
                await _hold_template(connection, Upgrade.of(operation.details).template_uuid)
            generation = found[0]["generation"] + 1
            await connection.execute(
                clusters.update()
                .where(clusters.c.uuid == cluster_uuid)
                .values(generation=generation, status=status, updated_at=now)
            )
            for group in groups:
                await _put_group(connection, group, now)
            row = values(replace(operation, generation=generation))
            await connection.execute(operations.insert().values({**row, "created_at": now}))
            await self._arrivals.announce(connection)
            return True

    async def request_cancel(self, operation_uuid: str, request_id: str) -> Operation:
        mine = sa.select(operations.c.cluster_uuid).where(operations.c.uuid == operation_uuid).scalar_subquery()
        async with self._write() as connection:
            found = (await connection.execute(self._locked(clusters.c.uuid == mine))).first()
            live = await _operations(connection, operations.c.cluster_uuid == mine, operations.c.state.in_(_LIVE))
            one = next((other for other in live if other.uuid == operation_uuid), None)
            if one is None or found is None:
                raise await _over(connection, operation_uuid)
            if one.kind.removes:
                raise Conflict(f"A {one.kind} cannot be cancelled: a part of what it removes may be gone already.")
            if one.cancel_requested:
                return one
            told: dict[str, Any] = {"cancel_requested": True, "details": {**one.details, "cancelled_by": request_id}}
            if one is not live[0]:  # the first is begun, and stopped, by a conductor
                if not one.kind.takes_its_wish_back:
                    raise Conflict(
                        f"This {one.kind} waits behind another operation, which carries it out with its own.",
                        hint="Delete the node group, or change it once more.",
                    )
                told |= {"state": OperationState.CANCELLED, "finished_at": self._clock.now()}
                told |= {"error": f"Not begun: cancelled by request {request_id}."}
                if found.generation == one.generation:
                    await _restore_counts(connection, one)
                await self._record_event(connection, one, "failure", told["error"])
            change = operations.update().where(operations.c.uuid == operation_uuid).values(told)
            return plain(Operation, dicts(await connection.execute(change.returning(operations)))[0])

    async def record_superseded(self, operation: Operation, why: str) -> None:
        now = self._clock.now()
        over = {"state": OperationState.SUPERSEDED, "error": why, "created_at": now, "finished_at": now}
        async with self._write() as connection:
            await connection.execute(operations.insert().values({**values(operation), **over}))
            await self._record_event(connection, operation, "failure", why)

    async def set_health(self, cluster_uuid: str, health: Health, reason: Mapping[str, str]) -> None:
        async with self._write() as connection:
            told = {"health": health, "health_reason": reason}
            await connection.execute(clusters.update().where(clusters.c.uuid == cluster_uuid).values(told))

    def _locked(self, where: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """Clusters, held until the end of the transaction (SQLite holds the write lock already)."""
        statement = sa.select(clusters).where(where)
        return statement if self._sqlite else statement.with_for_update()

    async def record_certificate(self, certificate: SignedCertificate) -> None:
        async with self._write() as connection:
            row = {**values(certificate), "created_at": self._clock.now()}
            await connection.execute(certificates.insert().values(row))

    async def list_certificates(self, cluster_uuid: str) -> Sequence[SignedCertificate]:
        async with self._read() as connection:
            found = await connection.execute(
                sa.select(certificates).where(certificates.c.cluster_uuid == cluster_uuid).order_by(certificates.c.id)
            )
            return [plain(SignedCertificate, row) for row in dicts(found)]

    async def list_operations(self, cluster_uuid: str) -> Sequence[Operation]:
        async with self._read() as connection:
            found = await connection.execute(
                sa.select(operations)
                .where(operations.c.cluster_uuid == cluster_uuid)
                .order_by(operations.c.id.desc())
                .limit(1000)
            )
            return [plain(Operation, row) for row in dicts(found)]

    async def get_operation(self, uuid: str) -> Operation | None:
        found = await self._look(lambda connection: dicts(connection.execute(_OPERATION, {"operation": uuid})))
        return plain(Operation, found[0]) if found else None

    async def list_steps(self, operation_uuid: str, *, after_id: int = 0) -> Sequence[Step]:
        mine = {"operation": operation_uuid, "after": after_id}
        found = await self._look(lambda connection: dicts(connection.execute(_STEPS, mine)))
        return [plain(Step, row) for row in found]

    async def list_conductors(self) -> Sequence[Conductor]:
        async with self._read() as connection:
            found = await connection.execute(sa.select(services).order_by(services.c.id))
            return [plain(Conductor, row) for row in dicts(found)]

    async def totals(self, project_id: str | None) -> Totals:
        statement, bound = (_TOTALS, {}) if project_id is None else (_TOTALS_OF_PROJECT, {"project": project_id})
        row = await self._look(lambda connection: connection.execute(statement, bound).one())
        return Totals(clusters=int(row[0]), nodes=int(row[1]))


async def _put_group(connection: Writing, group: NodeGroup, now: object) -> None:
    """Insert a new group; of one that is there only the spec is written."""
    row = values(group)
    spec = {key: value for key, value in row.items() if key not in _GROUP_STATUS}
    done = await connection.execute(
        node_groups.update()
        .where(node_groups.c.uuid == group.uuid)
        .values({**spec, "status": group.status, "updated_at": now})
    )
    if done.rowcount:
        return
    try:
        await connection.execute(node_groups.insert().values({**row, "created_at": now}))
    except IntegrityError as error:
        raise Conflict(f"A node group with name {group.name} already exists in the cluster.") from error


async def _hold_template(connection: Writing, uuid: str) -> None:
    """Until the commit nobody deletes it. Raises NotFound when somebody did."""
    if (await connection.execute(_HELD_TEMPLATE, {"uuid": uuid})).first() is None:
        raise NotFound("ClusterTemplate", uuid)


async def _operations(connection: Writing, *where: sa.ColumnElement[bool]) -> list[Operation]:
    found = await connection.execute(sa.select(operations).where(*where).order_by(operations.c.id))
    return [plain(Operation, row) for row in dicts(found)]


async def _over(connection: Writing, uuid: str) -> NotFound | Conflict:
    """Why an operation that is not live cannot be cancelled."""
    found = await _operations(connection, operations.c.uuid == uuid)
    return Conflict(f"Operation {uuid} is over: it {_PAST[found[0].state]}.") if found else NotFound("Operation", uuid)


async def _restore_counts(connection: Writing, one: Operation) -> None:
    for uuid, count in one.details.get("counts", {}).items():
        before = {"node_count": count, "remove_nodes": ()}
        await connection.execute(node_groups.update().where(node_groups.c.uuid == uuid).values(before))
