"""The outbox: events written with the changes that they tell, kept until somebody carried them away."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ..contracts import ClusterEvent, ClusterRow
from ..domain import Operation, OperationKind
from .cluster_rows import with_groups
from .lease_store import Leases
from .rows import dicts
from .tables import clusters, events
from .writing import Writing

_SILENT = (
    OperationKind.NODEGROUP_CREATE,
    OperationKind.NODEGROUP_UPDATE,
    OperationKind.NODEGROUP_DELETE,
)  # as in Magnum


class Events(Leases):
    """Implements contracts.EventStore. Records nothing until `record_events` is set: an outbox that nobody empties only grows."""

    record_events = False

    async def _record_event(
        self, connection: Writing, operation: Operation, outcome: str, reason: str | None = None
    ) -> None:
        """What the transaction made of the cluster. Does nothing when the cluster is gone."""
        if not self.record_events or operation.kind in _SILENT:
            return
        statement = sa.select(clusters).where(clusters.c.uuid == operation.cluster_uuid)
        for row in await connection.run_sync(lambda c: with_groups(c, c.execute(statement))):
            await connection.execute(events.insert().values(self._event(row, operation, outcome, reason)))

    def _event(self, row: ClusterRow, operation: Operation, outcome: str, reason: str | None) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "uuid": str(uuid.uuid4()),
            "cluster_uuid": operation.cluster_uuid,
            "action": operation.verb.value,
            "outcome": outcome,
            "user_id": operation.user_id,
            "project_id": operation.project_id,
            "request_id": operation.request_id,
            "happened_at": now,
            "cluster": asdict(row.cluster),
            "groups": [asdict(group) for group in row.groups],
            "reason": reason,
            "attempts": 0,
            "due_at": now,
        }

    async def record_refusal(self, operation: Operation, why: str) -> None:
        if self.record_events:
            async with self._write() as connection:
                await self._record_event(connection, operation, "failure", why)

    async def due_events(self, limit: int) -> Sequence[ClusterEvent]:
        first = sa.select(sa.func.min(events.c.id)).group_by(events.c.cluster_uuid)
        due = sa.and_(events.c.id.in_(first), events.c.due_at <= self._clock.now())
        async with self._read() as connection:
            found = dicts(await connection.execute(sa.select(events).where(due).order_by(events.c.id).limit(limit)))
        return [ClusterEvent(**{name: value for name, value in row.items() if name != "due_at"}) for row in found]

    async def close_event(self, event_id: int) -> None:
        async with self._held() as connection:
            await connection.execute(events.delete().where(events.c.id == event_id))

    async def postpone_event(self, event_id: int, due_at: datetime) -> None:
        async with self._held() as connection:
            await connection.execute(
                events.update().where(events.c.id == event_id).values(due_at=due_at, attempts=events.c.attempts + 1)
            )

    async def drop_events(self, *, before: datetime, keep: int) -> int:
        newest = sa.select(events.c.id).order_by(events.c.id.desc()).limit(1).offset(keep).scalar_subquery()
        async with self._held() as connection:
            gone = await connection.execute(
                events.delete().where(sa.or_(events.c.happened_at < before, events.c.id <= newest))
            )
            return int(gone.rowcount)
