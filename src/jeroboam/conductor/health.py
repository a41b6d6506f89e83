"""Looks after settled clusters: asks each live cluster now and then how it is. Claims by SQL, never a workflow a cluster.

Nearly all clusters are at rest and as they were at the last look, so that look writes nothing beyond its claim, and reads no keys.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from .. import bootstrap, pki
from ..contracts import Access, Clock, ClusterRow, CoeHealth, Driver, NodeHealth, Provider, Store
from ..domain import Cluster, Health
from ..domain.errors import ErrorClass, JeroboamError, RetryLater
from ..reconcile.scope import AccessMaker
from .known_access import KnownAccess

_CONSOLE_LINES = 100
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class HealthScan:
    """Writes health and its reasons, with Magnum's keys `api` and `<node>.Ready`, and ours: `<node>.Reason`, `services` (the cluster's
    own), and of what is not well `class` (whose move it is) and `hint` (which)."""

    store: Store
    provider: Provider
    drivers: Mapping[str, Driver]
    clock: Clock
    make_access: AccessMaker
    every: timedelta = timedelta(seconds=60)
    batch: int = 200
    at_once: int = 16
    known: KnownAccess = field(default_factory=KnownAccess)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            pause = 1.0
            try:
                pause = 0.0 if await self.once() == self.batch else pause
            except RetryLater as error:
                _log.warning("health scan waits", why=error.message)
                pause = error.after_s
            await asyncio.sleep(pause)

    async def once(self) -> int:
        """Look after the clusters that are due; how many there were. Raises RetryLater while the store is away."""
        rows = await self.store.health_targets(self.batch, self.clock.now() - self.every)
        gate = asyncio.Semaphore(self.at_once)
        ends = await asyncio.gather(*(self._look(row, gate) for row in rows), return_exceptions=True)
        _tell(rows, ends)
        return len(rows)

    async def _look(self, row: ClusterRow, gate: asyncio.Semaphore) -> None:
        async with gate:
            health, reason = await self._ask(row)
            if (health, reason) != (row.cluster.health, row.cluster.health_reason):
                await self.store.write_health(row.cluster.uuid, health, reason)

    async def _ask(self, row: ClusterRow) -> tuple[Health, Mapping[str, str]]:
        cluster = row.cluster
        driver = self.drivers.get(cluster.shape.driver or "")
        access = await self._access(row.cluster)
        if driver is None or access is None:
            return Health.UNKNOWN, {"api": f"The cluster {cluster.name} is not accessible."}
        try:
            machines = await self.provider.list_machines(cluster.uuid)
        except JeroboamError as error:  # that says nothing of the cluster
            return Health.UNKNOWN, {"api": error.message}
        try:
            seen = await driver.health(access, machines)
        except JeroboamError as error:
            return judge_failure(error)
        return judge(replace(seen, nodes=tuple(await asyncio.gather(*(self._heard(row, node) for node in seen.nodes)))))

    async def _heard(self, row: ClusterRow, node: NodeHealth) -> NodeHealth:
        """A node that is not ready, with what its console says of a unit that keeps failing."""
        if node.ready:
            return node
        try:
            console = await self.provider.console_log(row.cluster.uuid, node.name, lines=_CONSOLE_LINES)
        except JeroboamError:
            return node
        words = bootstrap.read_last_words(console)
        return replace(node, reason=f"{node.reason}. On its console: {words}") if words else node

    async def _access(self, cluster: Cluster) -> Access | None:
        now = self.clock.now()
        known = self.known.get(cluster, now)
        if known is not None or cluster.api_address is None:
            return known
        kept = await self.store.get_secrets(cluster.uuid)
        if not kept:
            return None
        access = self.make_access(cluster, pki.unpack(kept), cluster.api_address)
        self.known.keep(cluster, access, now)
        return access


def _tell(rows: Sequence[ClusterRow], ends: Sequence[BaseException | None]) -> None:
    """One cluster that cannot be looked after keeps nobody from looking after the others."""
    for row, end in zip(rows, ends, strict=True):
        if isinstance(end, RetryLater):
            _log.warning("health not written", cluster=row.cluster.uuid, why=end.message)
        elif isinstance(end, Exception):
            _log.error("health scan failed", cluster=row.cluster.uuid, trace="".join(traceback.format_exception(end)))


def judge(seen: CoeHealth) -> tuple[Health, Mapping[str, str]]:
    """Healthy only when the API says ok, every node is ready and nothing ails any. The hint is that of the first trouble."""
    reason = {"api": "ok" if seen.api_ok else seen.reason or "not ready"}
    reason.update({f"{node.name}.Ready": str(node.ready) for node in seen.nodes})
    reason.update({f"{node.name}.Reason": node.reason for node in seen.nodes if node.reason})
    if seen.api_ok and seen.reason:
        reason["services"] = seen.reason
    ailing = [node for node in seen.nodes if not node.ready or node.reason]
    if seen.api_ok and not ailing and not seen.reason:
        return Health.HEALTHY, reason
    whole = not seen.api_ok or not ailing
    hint, move = (seen.hint, seen.move) if whole else (ailing[0].hint, ailing[0].move)
    return Health.UNHEALTHY, reason | _next(hint, move)


def judge_failure(error: JeroboamError) -> tuple[Health, Mapping[str, str]]:
    """Of a cluster that cannot be asked."""
    return Health.UNHEALTHY, {"api": error.message, **_next(error.hint, error.error_class)}


def _next(hint: str, move: ErrorClass) -> dict[str, str]:
    """Whose move it is, and which."""
    return {"class": str(move), **({"hint": hint} if hint else {})}
