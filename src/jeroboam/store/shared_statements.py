"""The statements of shared_side.py, for PostgreSQL: each takes as many rows as there are, holds the lease within itself, and checks fences
by the rows that it locks. Clusters that somebody else holds are left out: none waits for a stranger's. They are built once: to build one
takes as long as to run it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from .among import among
from .conductor_store import END_OF_STEP, STATUS_COLUMNS
from .lease_store import HELD, STILL_HELD, WHILE_HELD
from .sharing import spread
from .tables import clusters, operations, resources, secrets, steps

_PG = "postgresql"
CLUSTERS = among(sa.select(clusters), clusters.c.uuid)[_PG]
STEPS = among(sa.select(steps).order_by(steps.c.id), steps.c.operation_uuid)[_PG]
SECRETS = among(sa.select(secrets), secrets.c.cluster_uuid)[_PG]
CANCELS = among(sa.select(operations.c.uuid, operations.c.cancel_requested, STILL_HELD), operations.c.uuid)[_PG]
HELD_FENCE = sa.column("held", clusters.c.fence.type)
CLEARS_REASON = sa.column("clears_reason", sa.Boolean())
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


def _one_of(column: sa.ColumnElement[str], parameter: str) -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.bindparam(parameter, type_=sa.ARRAY(column.type)))


def _free(uuids: str) -> sa.CTE:
    """Of the clusters of this parameter those that nobody else holds, held as an UPDATE holds them, with their fences as they are now;
    in the order that all keep. None when the lease is over."""
    free = sa.select(clusters.c.uuid, clusters.c.fence).where(_one_of(clusters.c.uuid, uuids), WHILE_HELD)
    return free.order_by(clusters.c.id).with_for_update(key_share=True, skip_locked=True).cte("fenced")


def _open_resources() -> sa.Executable:
    given = spread([*_OF_RESOURCE, HELD_FENCE])
    fenced = _free("many_cluster_uuid")
    right = sa.and_(fenced.c.uuid == given.c.cluster_uuid, fenced.c.fence == given.c[HELD_FENCE.name])
    rows = sa.select(*(given.c[one.name] for one in _OF_RESOURCE)).join_from(given, fenced, right)
    insert = postgresql.insert(resources).from_select(_OF_RESOURCE, rows)
    reopened = insert.on_conflict_do_update(index_elements=list(_LEDGER_KEY), set_={"closed_at": None})
    return reopened.returning(*_LEDGER_KEY)


def _put_secrets() -> sa.Executable:
    """Returns what was kept of these clusters before, and what is kept since."""
    given = spread(list(secrets.c))
    rows = sa.select(*(given.c[one.name] for one in secrets.c)).join_from(given, HELD, sa.true())
    insert = postgresql.insert(secrets).from_select(list(secrets.c), rows).on_conflict_do_nothing()
    written = insert.returning(*secrets.c).cte("written")
    before = sa.select(secrets).where(_one_of(secrets.c.cluster_uuid, "many_cluster_uuid"), WHILE_HELD)
    return sa.select(written).union_all(before)


def _write_statuses() -> sa.Executable:
    """What is NULL of a row is left as it is, as `StatusChange` has it."""
    given = spread([clusters.c.uuid, HELD_FENCE, CLEARS_REASON, *(clusters.c[name] for name in STATUS_COLUMNS)])
    fenced = _free("many_uuid")
    right = sa.and_(fenced.c.uuid == given.c.uuid, fenced.c.fence == given.c[HELD_FENCE.name])
    told: dict[str, sa.ColumnElement[Any]] = {
        name: sa.func.coalesce(given.c[name], clusters.c[name]) for name in STATUS_COLUMNS
    }
    told["status_reason"] = sa.case((given.c[CLEARS_REASON.name], sa.null()), else_=told["status_reason"])
    return clusters.update().where(clusters.c.uuid == fenced.c.uuid, right).values(told).returning(clusters.c.uuid)


OPEN_STEPS = _open_steps()
CLOSE_STEPS = _close_steps()
OPEN_RESOURCES = _open_resources()
PUT_SECRETS = _put_secrets()
WRITE_STATUSES = _write_statuses()
