"""Numbers over all that is kept, for those who watch the service. They are the same from every process and outlive restarts."""

from __future__ import annotations

import sqlalchemy as sa

from ..contracts import Figures
from ..domain import OperationState
from .database import Database
from .tables import clusters, events, leases, operations

_OPERATIONS = sa.select(operations.c.kind, operations.c.state, operations.c.error_class, sa.func.count()).group_by(
    operations.c.kind, operations.c.state, operations.c.error_class
)
_OLDEST = sa.select(sa.func.min(operations.c.created_at)).where(operations.c.state == OperationState.QUEUED)
_CLUSTERS = sa.select(clusters.c.status, sa.func.count()).group_by(clusters.c.status)
_EVENTS = sa.select(sa.func.count()).select_from(events)
_BEATS = sa.select(leases.c.beaten_at)


class FiguresSide(Database):
    """Implements contracts.FigureStore. Whole tables are gone through, and anybody may ask: never on the event loop, as short reads
    are, nor by the connections that keep the lease."""

    async def figures(self) -> Figures:
        def read(connection: sa.Connection) -> Figures:
            counted = connection.execute(_OPERATIONS).all()
            return Figures(
                operations={
                    (str(kind), str(state), str(error or "")): number for kind, state, error, number in counted
                },
                oldest_queued_at=connection.execute(_OLDEST).scalar(),
                clusters={str(status): number for status, number in connection.execute(_CLUSTERS)},
                events=connection.execute(_EVENTS).scalar_one(),
                beaten_at=tuple(connection.execute(_BEATS).scalars()),
            )

        async with self._read() as connection:
            return await connection.run_sync(read)
