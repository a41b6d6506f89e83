"""The conductor's side: operations taken and ended, status under a fence, timeline, ledger, heartbeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ..contracts import ClusterRow, GroupStatus, StatusChange
from ..domain import (
    ErrorClass,
    Operation,
    OperationState,
    Resource,
    Status,
    Step,
    Upgrade,
    Verb,
)
from ..domain.errors import LeaseLost
from .among import among
from .beginning import Beginning, HeldCluster, beginning
from .cluster_rows import with_groups
from .health_store import HealthSide
from .lease_store import over
from .rows import dicts, plain, values
from .tables import clusters, node_groups, operations, resources, secrets, services, steps
from .trouble import translated
from .writing import Writing

_NEXT = "next/"  # secrets that wait for their operation's end
_OUTCOMES = {
    OperationState.SUCCEEDED: "success",
    OperationState.FAILED: "failure",
    OperationState.CANCELLED: "failure",  # CADF has no other word for what ended before it was done
}


_COLUMNS = (
    "status",
    "status_reason",
    "health",
    "api_address",
    "coe_version",
    "container_version",
    "backend_id",
    "observed_generation",
)
STATUS_COLUMNS = (*_COLUMNS, "health_reason")
_OF_CLUSTER = (*STATUS_COLUMNS, "clear_reason")  # a change of these alone is one statement
# What every pass and step asks, built once: to build a statement takes as long as to run it.
_OPERATION = sa.select(operations).where(operations.c.uuid == sa.bindparam("operation"))
_OPERATIONS = among(sa.select(operations), operations.c.uuid)
_CLUSTER = sa.select(clusters).where(clusters.c.uuid == sa.bindparam("cluster"))
_BEGINNING = (
    sa.select(clusters.c.uuid, clusters.c.status, clusters.c.fence, clusters.c.deleting)
    .order_by(clusters.c.id)  # the same order in all processes
    .with_for_update()
)
_CLUSTERS_OF_OPERATIONS = {
    dialect: _BEGINNING.where(clusters.c.uuid.in_(chosen.with_only_columns(operations.c.cluster_uuid)))
    for dialect, chosen in _OPERATIONS.items()
}
_FREE_CLUSTERS_OF_OPERATIONS = _CLUSTERS_OF_OPERATIONS["postgresql"].with_for_update(skip_locked=True)
_BEGIN_CLUSTER = (
    clusters.update()
    .where(clusters.c.uuid == sa.bindparam("cluster"))
    .values(status=sa.bindparam("new_status", type_=clusters.c.status.type), fence=sa.bindparam("new_fence"))
)
_BEGIN_OPERATION = (
    operations.update()
    .where(operations.c.uuid == sa.bindparam("operation"))
    .values(state=OperationState.RUNNING, started_at=sa.bindparam("new_started_at", type_=operations.c.started_at.type))
)
_QUEUED = operations.c.state == OperationState.QUEUED
_FREE = sa.and_(
    _QUEUED,
    operations.c.id.in_(sa.select(sa.func.min(operations.c.id)).where(_QUEUED).group_by(operations.c.cluster_uuid)),
    operations.c.cluster_uuid.not_in(
        sa.select(operations.c.cluster_uuid).where(operations.c.state == OperationState.RUNNING)
    ),
)
_RUNNABLE = (
    sa.select(operations)
    .where(sa.or_(operations.c.state == OperationState.RUNNING, _FREE))
    .order_by(sa.func.row_number().over(partition_by=operations.c.project_id, order_by=operations.c.id))
    .order_by(operations.c.id)
    .limit(sa.bindparam("most"))
)
_RUNNABLE_SINCE = _RUNNABLE.where(operations.c.created_at > sa.bindparam("since", type_=operations.c.created_at.type))
_SECRETS = sa.select(secrets).where(secrets.c.cluster_uuid == sa.bindparam("cluster"))
_MINE = sa.and_(clusters.c.uuid == sa.bindparam("cluster"), clusters.c.fence == sa.bindparam("held"))
_OPEN_STEP = steps.insert().returning(steps.c.id)
END_OF_STEP = ("ok", "message", "error_class", "hint", "log", "ended_at")
_CLOSE_STEP = (
    steps.update()
    .where(steps.c.id == sa.bindparam("step"))
    .values({name: sa.bindparam(f"new_{name}", type_=steps.c[name].type) for name in END_OF_STEP})
)
# When nothing else changes, it is the check.
_CHECK_FENCE = clusters.update().where(_MINE).values(fence=clusters.c.fence)


class ConductorSide(HealthSide):
    """Implements contracts.ConductorStore."""

    async def heartbeat(self, host: str, binary: str) -> None:
        now = self._clock.now()
        row = {"host": host, "binary": binary, "report_count": 1, "created_at": now, "last_seen_at": now}
        async with self._held() as connection:
            insert = self._insert(services).values(row)
            again = {"report_count": services.c.report_count + 1, "last_seen_at": now}
            await connection.execute(insert.on_conflict_do_update(index_elements=["host", "binary"], set_=again))

    async def runnable_operations(self, limit: int, *, since: datetime | None = None) -> Sequence[Operation]:
        statement = _RUNNABLE if since is None else _RUNNABLE_SINCE
        asked = {"most": limit} | ({} if since is None else {"since": since})
        return await self._look(
            lambda connection: [plain(Operation, row) for row in dicts(connection.execute(statement, asked))]
        )

    async def await_operations(self, at_most: timedelta) -> None:
        with translated():
            await self._arrivals.wait(at_most)

    async def begin_operation(self, uuid: str) -> tuple[Operation, int] | None:
        async with self._held() as connection:
            begun, _ = await self._begin_operations(connection, [uuid])
        return begun[0]

    async def _begin_operations(
        self, connection: Writing, uuids: Sequence[str], *, free_only: bool = False
    ) -> tuple[Sequence[tuple[Operation, int] | None], set[str]]:
        """Each as `begin_operation` tells it. With `free_only` nobody who holds a cluster is waited for, and the second are the
        operations of those that are held, or gone: nothing is done to them."""
        dialect, now, asked = connection.dialect.name, self._clock.now(), {"uuids": list(uuids)}
        # The clusters first: whoever ends or supersedes an operation holds its own, so what is read below stays true.
        chosen = _FREE_CLUSTERS_OF_OPERATIONS if free_only else _CLUSTERS_OF_OPERATIONS[dialect]
        held = (await connection.execute(chosen, asked)).all()
        of = {row.uuid: HeldCluster(row.status, row.fence, row.deleting) for row in held}
        found = dicts(await connection.execute(_OPERATIONS[dialect], asked))
        known = {row["uuid"]: plain(Operation, row) for row in found}
        left = {uuid for uuid, one in known.items() if free_only and one.cluster_uuid not in of}
        begun: list[Beginning | None] = []
        for uuid in uuids:
            operation = None if uuid in left else known.get(uuid)
            one = beginning(operation, of.get(operation.cluster_uuid), now) if operation else None
            if one is not None:
                known[uuid] = one.operation
            begun.append(one)
        await self._write_beginnings(connection, [one for one in begun if one is not None])
        return [(one.operation, one.fence) if one is not None and one.fence else None for one in begun], left

    async def _write_beginnings(self, connection: Writing, begun: Sequence[Beginning]) -> None:
        for one in begun:
            if one.refused:
                await self._end(connection, one.operation.uuid, OperationState.SUPERSEDED, error=one.refused)
        running = [one for one in begun if not one.refused]
        if running:
            of_clusters = [
                {"cluster": one.operation.cluster_uuid, "new_status": one.status, "new_fence": one.fence}
                for one in running
            ]
            of_operations = [
                {"operation": one.operation.uuid, "new_started_at": one.operation.started_at} for one in running
            ]
            await connection.execute(_BEGIN_CLUSTER, of_clusters)
            await connection.execute(_BEGIN_OPERATION, of_operations)
        for one in begun:
            if one.event:
                await self._record_event(connection, one.operation, one.event, one.refused or None)

    async def load(self, cluster_uuid: str) -> ClusterRow | None:
        mine = {"cluster": cluster_uuid}
        rows = await self._look(lambda connection: with_groups(connection, connection.execute(_CLUSTER, mine)))
        return rows[0] if rows else None

    async def cancel_requested(self, operation_uuid: str) -> bool:
        mine = self._mine
        held = sa.true() if mine is None else sa.exists().where(mine.row)
        asked = sa.select(operations.c.cancel_requested, held).where(operations.c.uuid == operation_uuid)
        found = await self._look(lambda connection: connection.execute(asked).first())
        if mine is not None and found is not None and not found[1]:
            raise over(mine)
        return found is not None and bool(found[0])

    async def write_status(self, cluster_uuid: str, fence: int, change: StatusChange) -> None:
        async with self._held() as connection:
            await self._write_status(connection, cluster_uuid, fence, change)

    async def _write_status(self, connection: Writing, cluster_uuid: str, fence: int, change: StatusChange) -> None:
        row = _cluster_values(change)
        write = clusters.update().where(_MINE).values(row) if row else _CHECK_FENCE
        done = await connection.execute(write, {"cluster": cluster_uuid, "held": fence})
        if done.rowcount == 0:
            raise LeaseLost(f"Cluster {cluster_uuid} is in other hands now (fence {fence} is old).")
        await self._write_spec(connection, cluster_uuid, change)
        for uuid, group in change.groups.items():
            if group.removed:
                await _forget_removed(connection, uuid, group.removed)
            group_row = _group_values(group)
            if group_row:
                await connection.execute(node_groups.update().where(node_groups.c.uuid == uuid).values(group_row))

    async def _write_spec(self, connection: Writing, cluster_uuid: str, change: StatusChange) -> None:
        """What an operation's end brings to the spec. The cluster's row is held by now."""
        if change.upgraded is not None:
            await _adopt_upgrade(connection, cluster_uuid, change.upgraded)
        if change.new_secrets:
            await self._adopt_secrets(connection, cluster_uuid, change.new_secrets)
        for uuid, count in change.restored.items():
            wished = sa.select(clusters.c.generation).where(clusters.c.uuid == cluster_uuid).scalar_subquery()
            mine = sa.and_(node_groups.c.uuid == uuid, wished == change.wished_generation)
            restored = {"node_count": count, "remove_nodes": ()}
            await connection.execute(node_groups.update().where(mine).values(restored))

    async def _adopt_secrets(self, connection: Writing, cluster_uuid: str, prefix: str) -> None:
        kept = await connection.run_sync(lambda own: self._secrets(own, cluster_uuid))
        fresh = {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}
        gone = secrets.c.cluster_uuid == cluster_uuid
        if not prefix.startswith(_NEXT):
            gone = sa.and_(gone, secrets.c.name.not_like(_NEXT + "%"))
        await connection.execute(secrets.delete().where(gone))
        rows = self._sealed(cluster_uuid, fresh)
        if rows:
            await connection.execute(secrets.insert().values(rows))

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
        async with self._held() as connection:
            operation = await _operation(connection, uuid)
            await self._write_status(connection, operation.cluster_uuid, fence, change or StatusChange())
            if operation.verb is Verb.UPDATE:  # what came of it is seen at once, not a period later
                mine = clusters.c.uuid == operation.cluster_uuid
                await connection.execute(clusters.update().where(mine).values(health_seen_at=None))
            await self._end(connection, uuid, state, error=error, error_class=error_class, hint=hint)
            if state in _OUTCOMES:
                await self._record_event(connection, operation, _OUTCOMES[state], error)

    async def _end(self, connection: Writing, uuid: str, state: OperationState, **more: Any) -> None:
        await connection.execute(
            operations.update()
            .where(operations.c.uuid == uuid)
            .values(state=state, finished_at=self._clock.now(), **more)
        )

    async def finish_group(self, group_uuid: str, fence: int) -> None:
        async with self._held() as connection:
            found = await connection.execute(
                sa.select(node_groups.c.cluster_uuid).where(node_groups.c.uuid == group_uuid)
            )
            cluster_uuid = found.scalar()
            if cluster_uuid is None:
                return
            await self._write_status(connection, cluster_uuid, fence, StatusChange())
            await connection.execute(node_groups.delete().where(node_groups.c.uuid == group_uuid))

    async def remove_cluster(self, cluster_uuid: str, fence: int, operation_uuid: str) -> None:
        async with self._held() as connection:
            gone = StatusChange(status=Status.DELETE_COMPLETE, clear_reason=True)
            await self._write_status(connection, cluster_uuid, fence, gone)
            await self._record_event(connection, await _operation(connection, operation_uuid), "success")
            await connection.execute(secrets.delete().where(secrets.c.cluster_uuid == cluster_uuid))
            await connection.execute(node_groups.delete().where(node_groups.c.cluster_uuid == cluster_uuid))
            await connection.execute(clusters.delete().where(clusters.c.uuid == cluster_uuid))
            await self._end(connection, operation_uuid, OperationState.SUCCEEDED)

    async def open_step(self, step: Step) -> int:
        async with self._held() as connection:
            made = await connection.execute(_OPEN_STEP, values(step))
            return int(made.scalar_one())

    async def note_step(self, step_id: int, message: str) -> None:
        async with self._held() as connection:
            mine = sa.and_(steps.c.id == step_id, steps.c.ended_at.is_(None))
            await connection.execute(steps.update().where(mine).values(message=message))

    async def close_step(
        self,
        step_id: int,
        *,
        ok: bool,
        message: str = "",
        error_class: ErrorClass | None = None,
        hint: str | None = None,
        log: str | None = None,
    ) -> None:
        row = (ok, message, error_class, hint, log, self._clock.now())
        told = {f"new_{name}": value for name, value in zip(END_OF_STEP, row, strict=True)}
        async with self._held() as connection:
            await connection.execute(_CLOSE_STEP, {"step": step_id, **told})

    async def open_resource(self, resource: Resource, fence: int) -> None:
        row = {**values(resource), "opened_at": self._clock.now()}
        async with self._held() as connection:
            await self._write_status(connection, resource.cluster_uuid, fence, StatusChange())
            insert = self._insert(resources)
            reopened = insert.on_conflict_do_update(
                index_elements=["cluster_uuid", "kind", "name"], set_={"closed_at": None}
            )
            await connection.execute(reopened, row)

    async def note_found(self, cluster_uuid: str, fence: int, found: Sequence[Resource]) -> None:
        now = self._clock.now()
        insert = self._insert(resources)
        seen = {"provider_id": insert.excluded.provider_id, "closed_at": None}
        again = insert.on_conflict_do_update(index_elements=["cluster_uuid", "kind", "name"], set_=seen)
        async with self._held() as connection:
            await self._write_status(connection, cluster_uuid, fence, StatusChange())
            if found:
                await connection.execute(again, [{**values(one), "opened_at": now} for one in found])

    async def close_resources(
        self, cluster_uuid: str, fence: int, names: Sequence[tuple[str, str]] | None = None
    ) -> None:
        which = resources.c.cluster_uuid == cluster_uuid
        if names is not None:
            which = sa.and_(which, sa.tuple_(resources.c.kind, resources.c.name).in_(list(names)))
        async with self._held() as connection:
            await self._write_status(connection, cluster_uuid, fence, StatusChange())
            await connection.execute(resources.update().where(which).values(closed_at=self._clock.now()))

    async def open_resources(self, cluster_uuid: str) -> Sequence[Resource]:
        async with self._read() as connection:
            found = await connection.execute(
                sa.select(resources)
                .where(resources.c.cluster_uuid == cluster_uuid, resources.c.closed_at.is_(None))
                .order_by(resources.c.id)
            )
            return [plain(Resource, row) for row in dicts(found)]

    async def put_secrets(self, cluster_uuid: str, kept: Mapping[str, bytes]) -> Mapping[str, bytes]:
        rows = self._sealed(cluster_uuid, kept)
        async with self._held() as connection:
            if rows:
                await connection.execute(self._insert(secrets).on_conflict_do_nothing(), rows)
            return await connection.run_sync(lambda own: self._secrets(own, cluster_uuid))

    async def get_secrets(self, cluster_uuid: str) -> Mapping[str, bytes]:
        return await self._look(lambda connection: self._secrets(connection, cluster_uuid))

    def _sealed(self, cluster_uuid: str, kept: Mapping[str, bytes]) -> list[dict[str, Any]]:
        """Rows for the table."""
        return [
            {"cluster_uuid": cluster_uuid, "name": name, "sealed": self._sealer.seal(cluster_uuid, name, value)}
            for name, value in kept.items()
        ]

    def _secrets(self, connection: sa.Connection, cluster_uuid: str) -> Mapping[str, bytes]:
        found = connection.execute(_SECRETS, {"cluster": cluster_uuid})
        return {row["name"]: self._sealer.open(cluster_uuid, row["name"], row["sealed"]) for row in dicts(found)}

    def _insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT: both databases have it, each in its own dialect."""
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)


async def _operation(connection: Writing, uuid: str) -> Operation:
    return plain(Operation, dicts(await connection.execute(_OPERATION, {"operation": uuid}))[0])


async def _adopt_upgrade(connection: Writing, cluster_uuid: str, target: Upgrade) -> None:
    """The generation rises, so that a change of the spec that was planned on the old one is planned again."""
    mine = clusters.c.uuid == cluster_uuid
    [row] = await connection.run_sync(lambda c: with_groups(c, c.execute(sa.select(clusters).where(mine))))
    new = target.cluster(row.cluster)
    spec = {"template_uuid": new.template_uuid, "image_id": new.shape.image_id, "labels": new.shape.labels}
    generation = row.cluster.generation + 1
    told = {**spec, "generation": generation, "observed_generation": generation}
    await connection.execute(clusters.update().where(mine).values(told))
    for group in map(target.group, row.groups):
        values_ = {"image_id": group.image_id, "labels": group.labels}
        await connection.execute(node_groups.update().where(node_groups.c.uuid == group.uuid).values(values_))


async def _forget_removed(connection: Writing, group_uuid: str, gone: tuple[str, ...]) -> None:
    """Names that came in meanwhile stay."""
    mine = node_groups.c.uuid == group_uuid
    named = (await connection.execute(sa.select(node_groups.c.remove_nodes).where(mine))).scalar() or ()
    left = tuple(one for one in named if one not in gone)
    await connection.execute(node_groups.update().where(mine).values(remove_nodes=left))


def is_of_cluster(change: StatusChange) -> bool:
    """Whether it changes columns of the cluster, and nothing else."""
    alone = change == StatusChange(**{name: getattr(change, name) for name in _OF_CLUSTER})
    return alone and bool(_cluster_values(change))


def _cluster_values(change: StatusChange) -> dict[str, Any]:
    row = {name: value for name in _COLUMNS if (value := getattr(change, name)) is not None}
    if change.health_reason is not None:
        row["health_reason"] = change.health_reason
    if change.clear_reason:
        row["status_reason"] = None
    return row


def _group_values(group: GroupStatus) -> dict[str, Any]:
    row = {
        name: value
        for name in ("status", "status_reason", "node_addresses", "version")
        if (value := getattr(group, name)) is not None
    }
    if group.status is not None and group.status_reason is None:
        row["status_reason"] = None
    return row
