"""What many operations at once write and ask most, by statements that they share on PostgreSQL (sharing.py). Elsewhere, without a lease,
and for what a shared statement did not serve, it is as in conductor_store.py, which tells all errors.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from ..contracts import Clock, ClusterRow, StatusChange
from ..domain import ErrorClass, Operation, Resource, Step
from .cluster_rows import with_groups
from .cluster_store import Clusters
from .conductor_store import END_OF_STEP, STATUS_COLUMNS, ConductorSide, is_of_cluster
from .lease_store import OwnLease
from .rows import dicts, plain, values
from .sealing import Sealer
from .shared_statements import (
    CANCELS,
    CLEARS_REASON,
    CLOSE_STEPS,
    CLUSTERS,
    HELD_FENCE,
    OPEN_RESOURCES,
    OPEN_STEPS,
    PUT_SECRETS,
    SECRETS,
    STEPS,
    WRITE_STATUSES,
)
from .sharing import ALONE, Alone, Sharing, many


class _End(NamedTuple):
    """Of a step's row, as `close_step` is told it."""

    step_id: int
    ok: bool
    message: str
    error_class: ErrorClass | None
    hint: str | None
    log: str | None


class SharedSide(Clusters, ConductorSide):
    """Of contracts.ConductorStore and SecretStore what is shared."""

    def __init__(self, url: str, sealer: Sealer, clock: Clock, **more: Any) -> None:
        super().__init__(url, sealer, clock, **more)
        leased, reads = self._leased, self._reads_together
        self._begins = Sharing(self._begin_all, super().begin_operation, under=leased)
        self._loads = Sharing(self._load_all, super().load, under=reads)
        self._step_lists = Sharing(self._list_all_steps, super().list_steps, under=reads)
        self._cancels = Sharing(self._all_cancels, super().cancel_requested, under=leased)
        self._statuses = Sharing(self._write_all_statuses, self._status_alone, under=leased)
        self._opens = Sharing(self._open_all_steps, super().open_step, under=leased)
        self._closes = Sharing(self._close_all_steps, self._close_alone, under=leased)
        self._ledger = Sharing(self._open_all_resources, self._resource_alone, under=leased)
        self._puts = Sharing(self._put_all_secrets, self._put_alone, under=leased)
        self._gets = Sharing(self._get_all_secrets, super().get_secrets, under=reads)

    async def stop(self) -> None:
        shared: Sequence[Sharing[Any, Any, Any]] = (
            *(self._begins, self._loads, self._step_lists, self._cancels, self._statuses),
            *(self._opens, self._closes, self._ledger, self._puts, self._gets),
        )
        await asyncio.gather(*(one.stop() for one in shared))
        await super().stop()

    def _reads_together(self) -> bool | None:
        """Where writes are shared; reads are under no lease."""
        return None if self._leased() is None else True

    async def begin_operation(self, uuid: str) -> tuple[Operation, int] | None:
        return await self._begins(uuid)

    async def _begin_all(self, under: OwnLease, uuids: Sequence[str]) -> Sequence[tuple[Operation, int] | Alone | None]:
        async with self._held(under) as connection:
            begun, left = await self._begin_operations(connection, uuids, free_only=True)
        return [ALONE if uuid in left else one for uuid, one in zip(uuids, begun, strict=True)]

    async def load(self, cluster_uuid: str) -> ClusterRow | None:
        return await self._loads(cluster_uuid)

    async def _load_all(self, _: bool, uuids: Sequence[str]) -> Sequence[ClusterRow | None]:
        asked = {"uuids": list(uuids)}
        rows = await self._look(lambda connection: with_groups(connection, connection.execute(CLUSTERS, asked)))
        found = {row.cluster.uuid: row for row in rows}
        return [found.get(uuid) for uuid in uuids]

    async def list_steps(self, operation_uuid: str, *, after_id: int = 0) -> Sequence[Step]:
        if after_id:
            return await super().list_steps(operation_uuid, after_id=after_id)
        return await self._step_lists(operation_uuid)

    async def _list_all_steps(self, _: bool, uuids: Sequence[str]) -> Sequence[Sequence[Step]]:
        asked = {"uuids": list(uuids)}
        found = await self._look(lambda connection: dicts(connection.execute(STEPS, asked)))
        of: defaultdict[str, list[Step]] = defaultdict(list)
        for row in found:
            of[row["operation_uuid"]].append(plain(Step, row))
        return [of[uuid] for uuid in uuids]

    async def cancel_requested(self, operation_uuid: str) -> bool:
        return await self._cancels(operation_uuid)

    async def _all_cancels(self, under: OwnLease, uuids: Sequence[str]) -> Sequence[bool | Alone]:
        found = {row[0]: row[1] for row in await self._at_once(under, CANCELS, {"uuids": list(uuids)}) if row[2]}
        return [found.get(uuid, ALONE) for uuid in uuids]

    async def write_status(self, cluster_uuid: str, fence: int, change: StatusChange) -> None:
        if is_of_cluster(change):
            await self._statuses((cluster_uuid, fence, change))
        else:
            await super().write_status(cluster_uuid, fence, change)

    async def _status_alone(self, one: tuple[str, int, StatusChange]) -> None:
        await super().write_status(*one)

    async def _write_all_statuses(
        self, under: OwnLease, some: Sequence[tuple[str, int, StatusChange]]
    ) -> Sequence[Alone | None]:
        """One statement cannot write a row twice: the second change of a cluster is written after the first, by itself."""
        first = _firsts([uuid for uuid, _, _ in some])
        rows = [
            {"uuid": uuid, HELD_FENCE.name: fence, CLEARS_REASON.name: change.clear_reason}
            | {name: getattr(change, name) for name in STATUS_COLUMNS}
            for (uuid, fence, change), counts in zip(some, first, strict=True)
            if counts
        ]
        written = {row[0] for row in await self._at_once(under, WRITE_STATUSES, many(rows))}
        return [None if counts and one[0] in written else ALONE for one, counts in zip(some, first, strict=True)]

    async def open_step(self, step: Step) -> int:
        return await self._opens(step)

    async def _open_all_steps(self, under: OwnLease, some: Sequence[Step]) -> Sequence[int | Alone]:
        """The rows get their ids in the order of the steps."""
        made = sorted(row[0] for row in await self._at_once(under, OPEN_STEPS, many([values(step) for step in some])))
        return made if len(made) == len(some) else [ALONE] * len(some)

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
        await self._closes(_End(step_id, ok, message, error_class, hint, log))

    async def _close_alone(self, end: _End) -> None:
        step_id, ok, message, error_class, hint, log = end
        await super().close_step(step_id, ok=ok, message=message, error_class=error_class, hint=hint, log=log)

    async def _close_all_steps(self, under: OwnLease, some: Sequence[_End]) -> Sequence[Alone | None]:
        now = self._clock.now()
        rows = [dict(zip(("id", *END_OF_STEP), (*end, now), strict=True)) for end in some]
        closed = {row[0] for row in await self._at_once(under, CLOSE_STEPS, many(rows))}
        return [None if end.step_id in closed else ALONE for end in some]

    async def open_resource(self, resource: Resource, fence: int) -> None:
        await self._ledger((resource, fence))

    async def _resource_alone(self, one: tuple[Resource, int]) -> None:
        await super().open_resource(*one)

    async def _open_all_resources(
        self, under: OwnLease, some: Sequence[tuple[Resource, int]]
    ) -> Sequence[Alone | None]:
        """One statement cannot write a row twice."""
        keys = [(one.cluster_uuid, one.kind, one.name) for one, _ in some]
        first, now = _firsts(keys), self._clock.now()
        rows = [
            {**values(resource), "opened_at": now, HELD_FENCE.name: fence}
            for (resource, fence), counts in zip(some, first, strict=True)
            if counts
        ]
        written = set(await self._at_once(under, OPEN_RESOURCES, many(rows)))
        return [None if counts and key in written else ALONE for key, counts in zip(keys, first, strict=True)]

    async def put_secrets(self, cluster_uuid: str, kept: Mapping[str, bytes]) -> Mapping[str, bytes]:
        if not kept:
            return await super().put_secrets(cluster_uuid, kept)
        return await self._puts((cluster_uuid, kept))

    async def _put_alone(self, one: tuple[str, Mapping[str, bytes]]) -> Mapping[str, bytes]:
        return await super().put_secrets(*one)

    async def _put_all_secrets(
        self, under: OwnLease, some: Sequence[tuple[str, Mapping[str, bytes]]]
    ) -> Sequence[Mapping[str, bytes] | Alone]:
        """Whoever does not find all of its names was late by so little that the statement does not see the winner's."""
        rows = [row for uuid, kept in some for row in self._sealed(uuid, kept)]
        of = self._opened(await self._at_once(under, PUT_SECRETS, many(rows)))
        return [of[uuid] if kept.keys() <= of[uuid].keys() else ALONE for uuid, kept in some]

    async def get_secrets(self, cluster_uuid: str) -> Mapping[str, bytes]:
        return await self._gets(cluster_uuid)

    async def _get_all_secrets(self, _: bool, uuids: Sequence[str]) -> Sequence[Mapping[str, bytes]]:
        asked = {"uuids": list(uuids)}
        found = await self._look(lambda connection: [tuple(row) for row in connection.execute(SECRETS, asked)])
        of = self._opened(found)
        return [of[uuid] for uuid in uuids]

    def _opened(self, rows: Sequence[tuple[Any, ...]]) -> Mapping[str, dict[str, bytes]]:
        """By cluster. The rows are the table's."""
        of: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        for uuid, name, sealed in rows:
            of[uuid][name] = self._sealer.open(uuid, name, sealed)
        return of


def _firsts(keys: Sequence[Hashable]) -> list[bool]:
    """Of each, whether no equal one comes before it."""
    places: dict[Hashable, int] = {}
    return [places.setdefault(key, place) == place for place, key in enumerate(keys)]
