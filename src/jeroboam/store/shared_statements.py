"""The statements of shared_side.py, for PostgreSQL: each takes as many rows as there are, holds the lease within itself, and checks fences
by the rows that it locks. They are built once: to build one takes as long as to run it.
"""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from .among import among
from .conductor_store import END_OF_STEP
from .lease_store import HELD, WHILE_HELD
from .sharing import spread
from .tables import clusters, operations, resources, secrets, steps

_PG = "postgresql"
CLUSTERS = among(sa.select(clusters), clusters.c.uuid)[_PG]
STEPS = among(sa.select(steps).order_by(steps.c.id), steps.c.operation_uuid)[_PG]
SECRETS = among(sa.select(secrets), secrets.c.cluster_uuid)[_PG]
CANCELS = among(sa.select(operations.c.uuid, operations.c.cancel_requested, WHILE_HELD), operations.c.uuid)[_PG]
HELD_FENCE = sa.column("held", clusters.c.fence.type)
_OF_STEP = [one for one in steps.c if one is not steps.c.id]
_OF_END = [steps.c.id, *(steps.c[name] for name in END_OF_STEP)]
_OF_RESOURCE = [one for one in resources.c if one is not resources.c.id]
_LEDGER_KEY = (resources.c.cluster_uuid, resources.c.kind, resources.c.name)


def _open_steps() -> sa.Executable:
    given = spread(_OF_STEP)
    rows = sa.select(*(given.c[one.name] for one in _OF_STEP)).join_from(given, HELD, sa.true())
    return steps.insert().from_select(_OF_STEP, rows.order_by(given.c.place)).returning(steps.c.id)


def _close_steps() -> sa.Executable:
    given = spread(_OF_END)
    ends = {name: given.c[name] for name in END_OF_STEP}
    return steps.update().where(steps.c.id == given.c.id, WHILE_HELD).values(ends).returning(steps.c.id)


def _open_resources() -> sa.Executable:
    given = spread([*_OF_RESOURCE, HELD_FENCE])
    mine = clusters.c.uuid == sa.any_(sa.bindparam("many_cluster_uuid", type_=sa.ARRAY(clusters.c.uuid.type)))
    locked = sa.select(clusters.c.uuid, clusters.c.fence).where(mine, WHILE_HELD).order_by(clusters.c.id)
    fenced = locked.with_for_update().cte("fenced")
    right = sa.and_(fenced.c.uuid == given.c.cluster_uuid, fenced.c.fence == given.c[HELD_FENCE.name])
    rows = sa.select(*(given.c[one.name] for one in _OF_RESOURCE)).join_from(given, fenced, right)
    insert = postgresql.insert(resources).from_select(_OF_RESOURCE, rows)
    reopened = insert.on_conflict_do_update(index_elements=list(_LEDGER_KEY), set_={"closed_at": None})
    return reopened.returning(*_LEDGER_KEY)


def _put_secrets() -> sa.Executable:
    given = spread(list(secrets.c))
    rows = sa.select(*(given.c[one.name] for one in secrets.c)).join_from(given, HELD, sa.true())
    insert = postgresql.insert(secrets).from_select(list(secrets.c), rows).on_conflict_do_nothing()
    return insert.returning(secrets.c.cluster_uuid)


@cache
def write_statuses(names: tuple[str, ...]) -> sa.Executable:
    """For changes of these columns. Fence and uuid are named as in `HELD_FENCE` and the table."""
    given = spread([clusters.c.uuid, HELD_FENCE, *(clusters.c[name] for name in names)])
    mine = sa.and_(clusters.c.uuid == given.c.uuid, clusters.c.fence == given.c[HELD_FENCE.name])
    told = {name: given.c[name] for name in names}
    return clusters.update().where(mine, WHILE_HELD).values(told).returning(clusters.c.uuid)


OPEN_STEPS = _open_steps()
CLOSE_STEPS = _close_steps()
OPEN_RESOURCES = _open_resources()
PUT_SECRETS = _put_secrets()
