"""Decides whether a cluster is healed now, and asks for it: an operation like any other, which a conductor carries out. It only asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import structlog

from .. import healing
from ..contracts import Clock, ClusterRow, Driver, Provider, Store
from ..domain import FAILED, Ailing, Operation, OperationKind, Status
from ..domain.errors import BeingDeleted, NotFound

_MOST_DOUBLINGS = 10  # of the pause between two attempts: a few days, as a rule
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Decision:
    """What is told of a cluster that wishes to be healed ("" when there is nothing to tell), and what is asked for."""

    told: str = ""
    operation: Operation | None = None


@dataclass(frozen=True)
class Healer:
    """Holds nothing: what was tried stands in the operations, what ails in the cluster's row."""

    store: Store
    provider: Provider
    clock: Clock
    terms: healing.Terms = field(default_factory=healing.Terms)

    async def decide(self, row: ClusterRow, driver: Driver, ailing: Mapping[str, Ailing], *, api_ok: bool) -> Decision:
        """For a cluster at rest."""
        cluster, terms = row.cluster, self.terms
        if not ailing or not healing.is_wished(cluster.shape.labels):
            return Decision()
        if not terms.enabled:
            return Decision("off: the operator has set [healing] enabled = false")
        if not driver.capabilities.heals:
            return Decision(f"not done by the driver {driver.name}")
        now, grace = self.clock.now(), terms.grace_of(cluster.shape.labels)
        due = {name for name, one in ailing.items() if now - one.since >= grace}
        if not due:
            return Decision(f"from {_moment(min(one.since for one in ailing.values()) + grace)} on")
        past = healing.past(await self.store.list_operations(cluster.uuid), now, terms.window)
        if why := self._held_back(row, past, now):
            return Decision(why)
        worn = {name: n for name, n in past.times.items() if n >= terms.attempts and name in due}
        means = healing.means_of(driver, self.provider, api_ok=api_ok)
        plan = healing.plan_healing(row.groups, ailing, due - set(worn), means, past.tried, terms.share_percent)
        if plan.remedies:
            return Decision("asked for", _operation(row, plan, ailing))
        left = {**plan.left, **{name: f"healed {number} times of late, in vain" for name, number in worn.items()}}
        return Decision("not done: " + "; ".join(f"{name}: {why}" for name, why in sorted(left.items())))

    def _held_back(self, row: ClusterRow, past: healing.Past, now: datetime) -> str:
        if past.failed_at is None:
            if row.cluster.status in FAILED:
                return "waits: the last operation failed, and is to be retried first"
            return ""
        due = past.failed_at + self.terms.backoff * 2 ** min(past.failures - 1, _MOST_DOUBLINGS)
        return f"failed {past.failures} times; again from {_moment(due)} on" if now < due else ""

    async def ask(self, row: ClusterRow, operation: Operation) -> bool:
        """Queue it, unless somebody has asked for anything since the cluster was read: then they come first."""
        cluster = row.cluster
        try:
            asked = await self.store.request_change(
                cluster.uuid, [], operation, status=Status.UPDATE_IN_PROGRESS, seen_generation=cluster.generation
            )
        except (BeingDeleted, NotFound):
            return False
        if asked:
            _log.info("a cluster is to be healed", cluster=cluster.uuid, what=operation.summary)
        return asked


def _operation(row: ClusterRow, plan: healing.Plan, ailing: Mapping[str, Ailing]) -> Operation:
    cluster = row.cluster
    return Operation(
        uuid=str(uuid4()),
        cluster_uuid=cluster.uuid,
        kind=OperationKind.HEAL,
        project_id=cluster.project_id,
        user_id=healing.AUTO,
        request_id=f"req-{uuid4()}",
        generation=cluster.generation,
        summary=healing.summary(plan, ailing),
        details={**healing.as_details(plan, ailing), "auto": True},
    )


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
