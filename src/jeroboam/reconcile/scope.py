"""What the steps of one operation share: the cluster as last read, and what was seen of the world in this pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from .. import pki
from ..contracts import (
    Access,
    Clock,
    ClusterContext,
    ClusterRow,
    ClusterSecrets,
    CoeHealth,
    Driver,
    Endpoint,
    Image,
    Machine,
    Network,
    Provider,
    StatusChange,
    Store,
    why_keys_stay,
)
from ..domain import Cluster, NodeGroup, Operation, OperationKind, Resource, Role, Upgrade, Verb
from ..domain.errors import CoeUnreachable, JeroboamError, LeaseLost, NotFound, ProviderUnavailable, RetryLater
from ..planning import MachinePlan
from .timeline import Timeline
from .turns import Turns
from .watch import Cut, Watch, words

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """Deadlines. Those of steps that wait for a cluster begin when their timeline row is opened, those of deletions when they begin.
    `forced`: after so long a forced deletion leaves behind what is still there.
    `call`: of one call to a provider or driver, whatever deadlines it has inside. `silence`: after so long without progress
    that is told, long before a deadline. `machine_attempts`: how often a machine is made that does not stay up. `routes`: how often the
    pods of nodes that are there are seen to while others are waited for."""

    boot: timedelta = timedelta(minutes=15)
    coe: timedelta = timedelta(minutes=10)
    delete: timedelta = timedelta(minutes=60)
    forced: timedelta = timedelta(minutes=5)
    call: timedelta = timedelta(minutes=10)
    silence: timedelta = timedelta(minutes=3)
    machine_attempts: int = 3
    routes: timedelta = timedelta(seconds=10)
    unlimited: timedelta = timedelta(hours=24)  # for create_timeout 0: nothing waits for ever


@dataclass(frozen=True)
class Outcome:
    """What a step says: done, or look again in `after_s` seconds because of `why`."""

    done: bool
    after_s: float = 0.0
    why: str = ""

    @classmethod
    def again(cls, after_s: float, why: str) -> Outcome:
        return cls(done=False, after_s=after_s, why=why)


DONE = Outcome(done=True)


class AccessMaker(Protocol):
    """Makes administrator access to a cluster."""

    def __call__(self, cluster: Cluster, secrets: ClusterSecrets, api_address: str) -> Access: ...


@dataclass
class Scope:
    """One operation's run. Fields below `row` are what the steps of the current run have seen."""

    store: Store
    provider: Provider
    driver: Driver
    clock: Clock
    limits: Limits
    make_access: AccessMaker
    timeline: Timeline
    operation: Operation
    fence: int
    row: ClusterRow
    turns: Turns
    just_begun: bool = True  # the first pass: `operation` and `row` were read a moment ago
    secrets: ClusterSecrets | None = None
    old_secrets: ClusterSecrets | None = None  # during a rotation: what nodes hold that are not replaced yet
    credential: bool = False  # it has been seen to
    network: Network | None = None
    endpoint: Endpoint | None = None
    images: dict[str, asyncio.Task[Image]] = field(default_factory=dict)
    plan: MachinePlan | None = None
    seen: tuple[Machine, ...] = ()
    booted: set[str] = field(default_factory=set)
    renewed: bool = False
    noted: set[str] = field(default_factory=set)  # ids of what is in the ledger as seen at the provider
    left: tuple[Resource, ...] = ()  # of a deletion: what the provider showed last
    refusals: int = 0  # of a forced deletion: how often, and why it is not done
    reason: str = ""
    healed: bool = False
    routed_at: datetime | None = None  # while nodes are waited for: when pods were last seen to, or the wait began
    health: CoeHealth | None = None
    written: dict[str, object] = field(default_factory=dict)
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.clock, self.limits.silence)

    @property
    def cluster(self) -> Cluster:
        """The cluster as wished: an upgrade's target is a wish that is not yet in the cluster's own row."""
        return self.upgrade.cluster(self.row.cluster) if self.upgrade else self.row.cluster

    @property
    def groups(self) -> tuple[NodeGroup, ...]:
        """The node groups as wished."""
        return tuple(map(self.upgrade.group, self.row.groups)) if self.upgrade else self.row.groups

    @property
    def upgrade(self) -> Upgrade | None:
        """The target, when the operation is an upgrade."""
        return Upgrade.of(self.operation.details) if self.operation.kind is OperationKind.UPGRADE else None

    @property
    def rotates(self) -> bool:
        """Whether the operation is a rotation that gives the nodes new keys."""
        kind = self.operation.kind
        return kind is OperationKind.ROTATE_CA or (
            kind is OperationKind.ROTATE_CREDENTIALS and not why_keys_stay(self.driver, self.provider)
        )

    @property
    def passed_over(self) -> frozenset[str]:
        """Nodes that were not well when the operation was asked for, and that it does nothing about: it does not wait for them."""
        return (
            frozenset(self.operation.details.get("left", ()))
            if self.operation.kind is OperationKind.HEAL
            else frozenset()
        )

    @property
    def new_secrets(self) -> str:
        """The prefix of the new secrets' names, when the operation is a rotation."""
        return f"next/{self.operation.uuid}/" if self.rotates else ""

    @property
    def overlap_secrets(self) -> str:
        """The prefix of the new secrets with the former CAs beside them, when the driver lets both count for a while."""
        overlaps = self.operation.kind is OperationKind.ROTATE_CA and self.driver.capabilities.overlap
        return f"overlap/{self.operation.uuid}/" if overlaps else ""

    @property
    def keys(self) -> str:
        """Which keys new machines get."""
        return pki.fingerprint(self.secrets) if self.secrets else ""

    async def refresh(self) -> None:
        """Read the cluster again. Raises LeaseLost when it is gone."""
        row = await self.store.load(self.cluster.uuid)
        if row is None:
            raise LeaseLost(f"Cluster {self.cluster.uuid} is gone.")
        self.row = row

    @property
    def time_limit(self) -> timedelta:
        """How long the operation may take."""
        if self.operation.verb is Verb.DELETE:
            return self.limits.delete
        minutes = self.cluster.create_timeout_min
        return timedelta(minutes=minutes) if minutes else self.limits.unlimited

    async def called(
        self,
        what: str,
        work: Awaitable[T],
        *,
        at: tuple[str, str] | None = None,
        limit: timedelta | None = None,
        passes: type[RetryLater] = ProviderUnavailable,
    ) -> T:
        """What a call of the provider, or of the driver, answers or raises. While it hangs, status_reason and the row `at` (step, target;
        else one of its own) say so. Raises `passes` when it is cut: at its limit, or since the operation shall stop."""
        party = self.provider.name if passes is ProviderUnavailable else self.driver.name
        row = at or ("call", what)

        async def hangs(time: str) -> bool:
            told = f"{party} has not answered for {time}: {what}"
            await self.timeline.begin(*row)
            await self.timeline.note(*row, told)
            await self.write(status_reason=told)
            return await self.store.cancel_requested(self.operation.uuid)

        ends = min(limit or self.limits.call, self.limits.call)
        try:
            answer = await self.watch.answer(work, limit=ends, hangs=hangs)
        except Cut as cut:
            error = passes(f"{party} did not answer within {words(cut.after)}, so the call was cut: {what}.")
            if at is None:
                await self.timeline.fail(*row, error)
            raise error from cut
        except JeroboamError as late:
            if at is None and self.timeline.started_at(*row):
                await self.timeline.fail(*row, late)
            raise
        if at is None:
            await self.timeline.end(*row)
        return answer

    async def asked(self, what: str, work: Awaitable[T], *, at: tuple[str, str] | None = None) -> T:
        """The same for a call of the driver, which asks the cluster. Raises CoeUnreachable when it is cut."""
        return await self.called(what, work, at=at, passes=CoeUnreachable)

    async def moving(self, why: str, *, at: tuple[str, str] = ("", ""), sign: str | None = None) -> str:
        """`why` something is waited for; when what is seen of it (`sign`, else `why` itself) has not changed for long, that, too. The
        open row `at` (step, target) then tells it as well."""
        time = self.watch.silent(*at, why if sign is None else sign)
        told = f"no progress for {time}: {why}" if time else why
        await self.timeline.note(*at, told if time else "")
        return told

    def turn(self, *, limit: timedelta | None = None) -> AbstractAsyncContextManager[None]:
        """A turn at the provider, for one call that makes or deletes something. Raises ProviderUnavailable when none comes in time."""
        return self.turns.of(self.operation.project_id, limit=limit)

    async def image(self, image_id: str) -> Image:
        """The one image of this name or id; all machines that are made at once share one call. Raises NotFound with the way out."""
        if image_id not in self.images:
            self.images[image_id] = asyncio.create_task(self._find_image(image_id))
        task = self.images[image_id]
        try:
            return await task
        except BaseException:  # the next pass asks again
            if self.images.get(image_id) is task:
                del self.images[image_id]
            raise

    async def _find_image(self, image_id: str) -> Image:
        work = self.provider.catalogue.find_images(self.cluster.project_id, image_id)
        found = await self.called(f"find_images {image_id}", work)
        if not found:
            raise NotFound(
                "Image",
                image_id,
                message=f"Image {image_id} could not be found at the provider {self.provider.name}.",
                hint="Build or upload the image (`jeroboam image build`), or use a template with another image.",
            )
        return found[0]

    def context(self, image: Image) -> ClusterContext:
        """What the driver may look at. Network, endpoint and secrets are there by then: the steps before saw to it."""
        network, endpoint = self.place()
        if self.secrets is None:
            raise RuntimeError("steps out of order: machines need keys")
        return ClusterContext(self.cluster, self.groups, image, network, endpoint, self.secrets)

    def place(self) -> tuple[Network, Endpoint]:
        """Where machines go; there by then, as in `context`."""
        if self.network is None or self.endpoint is None:
            raise RuntimeError("steps out of order: machines need network and endpoint")
        return self.network, self.endpoint

    def access(self) -> Access | None:
        """Administrator access, or None when the cluster's API cannot be reached from here."""
        if self.endpoint is None or self.secrets is None:
            return None
        address = self.driver.api_address(self.endpoint)
        return self.make_access(self.cluster, self._held(self.secrets), address) if address else None

    def _held(self, wished: ClusterSecrets) -> ClusterSecrets:
        """The keys that the control plane answers with: the old ones until all of its machines are replaced."""
        heads = [machine for machine in self.seen if machine.role is Role.CONTROL_PLANE]
        renewed = all(machine.keys == self.keys for machine in heads)
        return wished if self.old_secrets is None or renewed else self.old_secrets

    async def write(self, **change: object) -> None:
        """Write those status columns whose value is another than what this run wrote last."""
        fresh = {key: value for key, value in change.items() if self.written.get(key) != value}
        if fresh:
            await self.store.write_status(self.cluster.uuid, self.fence, _change(fresh))
            self.written.update(fresh)

    def overdue(self, name: str, target: str, limit: timedelta) -> bool:
        """True when the open row of this step and target is older than `limit`."""
        started = self.timeline.started_at(name, target)
        return started is not None and self.clock.now() - started > limit


def _change(values: Mapping[str, object]) -> StatusChange:
    return StatusChange(**values)  # type: ignore[arg-type]


class StepProtocol(Protocol):
    """One step of a pass."""

    async def run(self, scope: Scope) -> Outcome: ...
