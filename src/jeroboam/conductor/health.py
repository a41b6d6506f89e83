"""Looks after settled clusters: their machines at the provider, many clusters at one look, and each live cluster itself. Claims by SQL,
never a workflow a cluster; what it finds to do it asks for as an operation (`healer.py`).

Nearly all clusters are at rest and as they were at the last look, so that look writes nothing beyond its claim, and reads no keys.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from .. import bootstrap, healing, pki
from ..contracts import (
    Access,
    Clock,
    ClusterRow,
    CoeHealth,
    Driver,
    Machine,
    MachineCensus,
    NodeHealth,
    Provider,
    Store,
)
from ..domain import Ailing, Ailment, Cluster, Health, remembered
from ..domain.errors import CoeUnreachable, ErrorClass, JeroboamError, ProviderUnavailable, RetryLater
from ..reconcile.scope import AccessMaker
from .healer import Decision, Healer
from .known_access import KnownAccess
from .shares import Shares
from .timed import within

_CONSOLE_LINES = 100
_CONSOLES = 5  # of one cluster are read at a look: each is a call of the provider
_LOOK = timedelta(minutes=2)  # what one cluster's call takes at most: the scan begins anew when all have answered
_LATE = 0.5  # of a period: after so much more, a cluster of another's share is anybody's
_HELP = 0.25  # of a period: between two looks for those
_log = structlog.get_logger(__name__)
Census = Mapping[str, Sequence[Machine] | JeroboamError]
Verdict = tuple[Health, dict[str, str]]


@dataclass(frozen=True)
class Seen:
    """What was seen of a cluster: its machines, None where the provider did not tell; what the live cluster said, None where it did
    not; and the verdict that follows from the latter."""

    verdict: Verdict
    machines: Sequence[Machine] | None = None
    coe: CoeHealth | None = None


@dataclass(frozen=True)
class Batch:
    """What was asked for many clusters at once: the ledger, and the machines where the provider lists across clusters."""

    recorded: Mapping[str, Sequence[str]]
    machines: Census | JeroboamError | None


@dataclass(frozen=True)
class HealthScan:
    """Writes health and its reasons, with Magnum's keys `api` and `<node>.Ready`, and ours: `<node>.Reason`, `services` (the cluster's
    own), of what is not well `class` (whose move it is) and `hint` (which), and `auto_healing` (what becomes of it by itself).
    `boot`: for so long a new machine may be building. `limit`: of one call; of those for one cluster `_LOOK`, if that is shorter."""

    store: Store
    provider: Provider
    drivers: Mapping[str, Driver]
    clock: Clock
    make_access: AccessMaker
    every: timedelta = timedelta(seconds=60)
    batch: int = 200
    at_once: int = 16
    limit: timedelta = timedelta(minutes=10)
    boot: timedelta = timedelta(minutes=15)
    known: KnownAccess = field(default_factory=KnownAccess)
    shares: Shares | None = None  # None: all clusters are this conductor's
    healer: Healer | None = None  # None: what ails is told, and no more

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
        """Look after the clusters that are due; how many were claimed for it. Raises RetryLater while the store is away."""
        due = await self._claimed()
        rows = [row for row in due if not row.cluster.deleting]
        if not rows:
            return len(due)
        uuids = [row.cluster.uuid for row in rows]
        # Before the machines: one that is made meanwhile is not missed.
        recorded = await self.store.recorded_machines(uuids)
        batch = Batch(recorded, await self._census(uuids))
        gate = asyncio.Semaphore(self.at_once)
        ends = await asyncio.gather(*(self._look(row, batch, gate) for row in rows), return_exceptions=True)
        _tell(rows, ends)
        return len(due)

    async def _claimed(self) -> Sequence[ClusterRow]:
        """What is due of this conductor's share; and now and then what others are late with, so that it waits twice `every` at most."""
        now = self.clock.now()
        share = self.shares.own() if self.shares else None
        due = await self.store.health_targets(self.batch, now - self.every, share)
        if self.shares is None or share is None or not self.shares.may_help(now, self.every * _HELP):
            return due
        room = self.batch - len(due)
        late = await self.store.health_targets(room, now - self.every * (1 + _LATE)) if room else []
        if len(late) < room:
            self.shares.helped(now)
        return [*due, *late]

    async def _census(self, uuids: Sequence[str]) -> Census | JeroboamError | None:
        if not isinstance(self.provider, MachineCensus):
            return None
        try:
            found = self.provider.list_machines_of(uuids)
            return await within(self.limit, found, self.provider.name, "list_machines_of", ProviderUnavailable)
        except JeroboamError as error:
            return error

    @property
    def _look_limit(self) -> timedelta:
        return min(self.limit, _LOOK)

    async def _look(self, row: ClusterRow, batch: Batch, gate: asyncio.Semaphore) -> None:
        cluster = row.cluster
        if healing.is_anothers(cluster.shape.labels):
            return
        async with gate:
            seen = await self._ask(cluster, batch)
            ailing = self._ailing(row, batch.recorded[cluster.uuid], seen)
            decision = await self._decide(row, seen, ailing)
            health, reason = with_machines(seen.verdict, ailing, decision.told)
            kept = {name: one.as_json() for name, one in ailing.items()}
            if (health, reason, kept) != (cluster.health, cluster.health_reason, cluster.ailing):
                await self.store.write_health(cluster.uuid, health, reason, kept)
            if decision.operation and self.healer:
                await self.healer.ask(row, decision.operation)

    def _ailing(self, row: ClusterRow, recorded: Sequence[str], seen: Seen) -> dict[str, Ailing]:
        """What ails by this look; as it was where the provider told nothing."""
        before = {name: Ailing.of(name, kept) for name, kept in row.cluster.ailing.items()}
        if seen.machines is None:
            return before
        now = self.clock.now()
        ailing = healing.diagnose(row.cluster, row.groups, recorded, seen.machines, seen.coe, now, self.boot)
        return remembered(ailing, before)

    async def _decide(self, row: ClusterRow, seen: Seen, ailing: Mapping[str, Ailing]) -> Decision:
        driver = self.drivers.get(row.cluster.shape.driver or "")
        if driver is None or self.healer is None or seen.machines is None:
            return Decision()
        api_ok = seen.coe is not None and seen.coe.api_ok
        return await self.healer.decide(row, driver, ailing, api_ok=api_ok)

    async def _ask(self, cluster: Cluster, batch: Batch) -> Seen:
        try:
            machines = await self._machines(cluster.uuid, batch)
        except JeroboamError as error:  # that says nothing of the cluster
            move = {} if isinstance(error, RetryLater) else _next(error.hint, error.error_class)
            return Seen((Health.UNKNOWN, {"api": error.message, **move}))
        driver = self.drivers.get(cluster.shape.driver or "")
        try:
            kept = self._access(cluster)
            access = await within(self._look_limit, kept, "store", "get_secrets", ProviderUnavailable)
        except JeroboamError as error:  # such as a vault that has its keys: nor does that say anything of it
            return Seen((Health.UNKNOWN, {"api": error.message, **_next(error.hint, error.error_class)}), machines)
        if driver is None or access is None:
            return Seen((Health.UNKNOWN, {"api": f"The cluster {cluster.name} is not accessible."}), machines)
        try:
            coe = await within(self._look_limit, driver.health(access, machines), driver.name, "health", CoeUnreachable)
        except JeroboamError as error:
            return Seen(judge_failure(error), machines)
        coe = replace(coe, nodes=await self._with_consoles(cluster, coe.nodes))
        return Seen(judge(coe), machines, coe)

    async def _machines(self, cluster_uuid: str, batch: Batch) -> Sequence[Machine]:
        if batch.machines is None:
            found = self.provider.list_machines(cluster_uuid)
            return await within(self._look_limit, found, self.provider.name, "list_machines", ProviderUnavailable)
        if isinstance(batch.machines, JeroboamError):
            raise batch.machines
        told = batch.machines[cluster_uuid]
        if isinstance(told, JeroboamError):
            raise told
        return told

    async def _with_consoles(self, cluster: Cluster, nodes: Sequence[NodeHealth]) -> tuple[NodeHealth, ...]:
        """The first nodes that are not ready with what their consoles say: many ail of one thing as a rule."""
        ailing = [node for node in nodes if not node.ready][:_CONSOLES]
        heard = await asyncio.gather(*(self._heard(cluster, node) for node in ailing))
        told = {node.name: node for node in heard}
        return tuple(told.get(node.name, node) for node in nodes)

    async def _heard(self, cluster: Cluster, node: NodeHealth) -> NodeHealth:
        """The node with what its console says of a unit that keeps failing."""
        said = self.provider.console_log(cluster.uuid, node.name, lines=_CONSOLE_LINES)
        try:
            console = await within(self._look_limit, said, self.provider.name, "console_log", ProviderUnavailable)
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


def judge(seen: CoeHealth) -> Verdict:
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


def judge_failure(error: JeroboamError) -> Verdict:
    """Of a cluster that cannot be asked."""
    return Health.UNHEALTHY, {"api": error.message, **_next(error.hint, error.error_class)}


def with_machines(verdict: Verdict, ailing: Mapping[str, Ailing], auto_healing: str = "") -> Verdict:
    """The verdict on a cluster whose machines were looked at, too: one that is gone, stopped or failed makes it unhealthy, whatever
    the live cluster has noticed. The tool's own words for it stay, and where it is silent, the provider's are told."""
    health, reason = verdict
    told = dict(reason)
    failed = [one for one in ailing.values() if one.ailment is Ailment.FAILED]
    silent = [one for one in ailing.values() if one.ailment is Ailment.NOT_READY and f"{one.node}.Ready" not in told]
    told |= {f"{one.node}.Ready": "False" for one in silent} | {f"{one.node}.Reason": one.why for one in silent}
    for one in failed:
        told[f"{one.node}.Reason"] = told.get(f"{one.node}.Reason") or one.why
    machines = {name: one for name, one in ailing.items() if one.ailment in (Ailment.GONE, Ailment.STOPPED)}
    for name, one in machines.items():
        told[f"{name}.Ready"] = "False"
        why = one.why if one.ailment is Ailment.GONE else f"its machine is stopped: {one.why}"
        told[f"{name}.Reason"] = why if one.ailment is Ailment.GONE else told.get(f"{name}.Reason") or why
    if machines:
        health = Health.UNHEALTHY
        gone = {name for name, one in machines.items() if one.ailment is Ailment.GONE}
        hint = "Start the machine again, or have the cluster healed (`jeroboam cluster heal`)."
        # What its tool advises needs a machine, but an API that fails comes first: no healing goes past it.
        if told.get("api") == "ok" and gone == {name for name, ready in _readiness(told) if ready == "False"}:
            told |= _next("Have the cluster healed (`jeroboam cluster heal`).", ErrorClass.OPERATOR)
        told = _next(hint, ErrorClass.OPERATOR) | told
    if failed:
        health = Health.UNHEALTHY
        hint = "The node works; look at its machine at the provider."
        told = _next(hint, ErrorClass.OPERATOR) | told
    return health, told | ({"auto_healing": auto_healing} if auto_healing else {})


def _readiness(told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Nodes, and whether they are ready."""
    return ((key.removesuffix(".Ready"), value) for key, value in told.items() if key.endswith(".Ready"))


def _next(hint: str, move: ErrorClass) -> dict[str, str]:
    """Whose move it is, and which."""
    return {"class": str(move), **({"hint": hint} if hint else {})}
