"""Numbers over all that is kept, for those who watch the service. They are the same from every process and outlive restarts."""

from __future__ import annotations

import sqlalchemy as sa

from ..contracts import Figures
from ..domain import OperationState
from .database import Database
from .tables import clusters, events, operations

_OPERATIONS = sa.select(operations.c.kind, operations.c.state, operations.c.error_class, sa.func.count()).group_by(
    operations.c.kind, operations.c.state, operations.c.error_class
)
_OLDEST = sa.select(sa.func.min(operations.c.created_at)).where(operations.c.state == OperationState.QUEUED)
_CLUSTERS = sa.select(clusters.c.status, sa.func.count()).group_by(clusters.c.status)
_EVENTS = sa.select(sa.func.count()).select_from(events)


class FiguresSide(Database):
    """Implements contracts.FigureStore."""

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
            )

        return await self._look(read)
