"""Clusters at rest as the health scan goes through them: claimed by when they were last looked at, written where something changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from ..contracts import ClusterRow, Share
from ..domain import IN_PROGRESS, Health, Status
from .among import among
from .cluster_rows import with_groups
from .event_store import Events
from .tables import clusters, resources

# Statuses by name, and two statements that ask for nothing but what is in the index over status and moment: so each is a range of it, and
# no cluster's row is read that is not due. SQLite goes through the whole table for less: when its statistics are of a time when no
# cluster had been looked at, or when another column is asked for.
_LOOKED_AFTER = tuple(status for status in Status if status not in IN_PROGRESS and status is not Status.CREATE_FAILED)
_SETTLED = sa.select(clusters.c.id).where(clusters.c.status.in_(_LOOKED_AFTER)).limit(sa.bindparam("most"))
_NEVER_SEEN = _SETTLED.where(clusters.c.health_seen_at.is_(None))
_SEEN_BEFORE = _SETTLED.where(
    clusters.c.health_seen_at < sa.bindparam("before", type_=clusters.c.health_seen_at.type)
).order_by(clusters.c.health_seen_at)
_BELOW = Share.MOST + 1  # a prime, so that no product with it is 0


def _rank(number: str) -> sa.ColumnElement[int]:
    """Below 2**31, and by another order of the clusters for each number; the product is one of 64 bits."""
    return (clusters.c.id % _BELOW + 1) * sa.bindparam(number, type_=sa.BigInteger) % _BELOW


@cache
def _shared(chosen: sa.Select[Any], others: int) -> sa.Select[Any]:
    mine = _rank("mine")
    return chosen.where(*(mine > _rank(f"other_{number}") for number in range(others)))


_MACHINES = among(
    sa.select(resources.c.cluster_uuid, resources.c.name)
    .where(resources.c.kind == "machine", resources.c.closed_at.is_(None))
    .order_by(resources.c.id),
    resources.c.cluster_uuid,
)


class HealthSide(Events):
    """The part of contracts.ConductorStore that is about health."""

    async def health_targets(
        self, limit: int, seen_before: datetime, share: Share | None = None
    ) -> Sequence[ClusterRow]:
        numbers = share.others if share else ()
        told = {"mine": share.mine if share else 0, **{f"other_{at}": one for at, one in enumerate(numbers)}}
        async with self._held() as connection:
            never, before = (self._due(_shared(chosen, len(numbers))) for chosen in (_NEVER_SEEN, _SEEN_BEFORE))
            ids = list((await connection.execute(never, {"most": limit, **told})).scalars())
            if len(ids) < limit:
                left = {"most": limit - len(ids), "before": seen_before, **told}
                ids += (await connection.execute(before, left)).scalars()
            if not ids:
                return []
            claim = clusters.update().where(clusters.c.id.in_(ids)).values(health_seen_at=self._clock.now())
            return await connection.run_sync(lambda c: with_groups(c, c.execute(claim.returning(clusters))))

    def _due(self, chosen: sa.Select[Any]) -> sa.Select[Any]:
        return chosen if self._sqlite else chosen.with_for_update(skip_locked=True)

    async def recorded_machines(self, cluster_uuids: Collection[str]) -> Mapping[str, Sequence[str]]:
        names: dict[str, list[str]] = {uuid: [] for uuid in cluster_uuids}
        statement = _MACHINES["sqlite" if self._sqlite else "postgresql"]
        async with self._read() as connection:
            for uuid, name in await connection.execute(statement, {"uuids": list(names)}):
                names[uuid].append(name)
        return names

    async def write_health(
        self,
        cluster_uuid: str,
        health: Health,
        reason: Mapping[str, str],
        ailing: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        told = {"health": health, "health_reason": reason} | ({} if ailing is None else {"ailing": ailing})
        async with self._held() as connection:
            await connection.execute(
                clusters.update()
                .where(clusters.c.uuid == cluster_uuid, clusters.c.status.not_in(tuple(IN_PROGRESS)))
                .values(told)
            )
