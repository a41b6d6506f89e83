"""What is counted of this process and of all that is kept, as Prometheus reads it. No tenant, cluster or name is in it.

Numbers of operations, clusters and conductors come from the database, so that every process tells the same and a
restart forgets none. Durations of steps and calls of the provider are this process's own, from its start.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest

from ..contracts import Clock, Figures, Provider, StatusChange, Store
from ..domain import OPERATION_FINAL, ErrorClass
from ..domain.errors import JeroboamError, LeaseLost, RetryLater
from ..store import Sealer
from ..store.writing import Writing
from .narration import NarratingStore
from .recent import Recent

_FRESH = timedelta(seconds=5)  # of what is counted in the database; Prometheus asks each process every 15 s or so
_STEPS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 900)
_CALLS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_CALLS = (
    *("preflight", "ensure_network", "ensure_endpoint", "ensure_machine", "list_machines", "delete_machine"),
    *("console_log", "delete_all", "list_resources"),
    *(
        "unmake_machine",
        "list_machines_of",
        "lacking",
        "route_pods",
    ),  # of optional contracts, which not every provider keeps
)


class Meter:
    """One for each process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._steps = Histogram(
            "jeroboam_step_seconds",
            "How long steps of operations took in this process.",
            ("step", "outcome"),
            buckets=_STEPS_S,
            registry=self.registry,
        )
        self._calls = Histogram(
            "jeroboam_provider_call_seconds",
            "How long calls of the provider took.",
            ("provider", "call"),
            buckets=_CALLS_S,
            registry=self.registry,
        )
        self._errors = Counter(
            "jeroboam_provider_errors",
            "Calls of the provider that failed, by whose move it is.",
            ("provider", "call", "error_class"),
            registry=self.registry,
        )
        self._fenced = Counter(
            "jeroboam_fenced_writes",
            "Writes that were refused since another worker owns the cluster by now.",
            registry=self.registry,
        )

    def step(self, name: str, seconds: float, *, ok: bool) -> None:
        """A step ended."""
        self._steps.labels(name, "ok" if ok else "failed").observe(seconds)

    def fenced(self) -> None:
        """A write came too late."""
        self._fenced.inc()

    def watch(self, provider: Provider) -> None:
        """From here on its calls are counted. They are put before the object's own, so that it stays whatever else it is; one that
        takes no attributes (`__slots__`) is used as it is, uncounted."""
        for name in _CALLS:
            if call := getattr(provider, name, None):
                with suppress(AttributeError):
                    object.__setattr__(provider, name, self._counted(provider.name, name, call))

    def _counted(self, provider: str, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return await call(*args, **kwargs)
            except Exception as error:
                known = error.error_class if isinstance(error, JeroboamError) else ErrorClass.BUG
                self._errors.labels(provider, name, known.value).inc()
                raise
            finally:
                self._calls.labels(provider, name).observe(time.perf_counter() - began)

        return counted


class MeteredStore(NarratingStore):
    """The store, telling the meter, too."""

    def __init__(self, url: str, sealer: Sealer, clock: Clock, meter: Meter) -> None:
        super().__init__(url, sealer, clock)
        self._meter = meter

    async def close_step(self, step_id: int, *, ok: bool, **more: Any) -> None:
        step = self._steps.get(step_id)
        await super().close_step(step_id, ok=ok, **more)
        if step is not None:
            self._meter.step(step.name, (self._clock.now() - step.started_at).total_seconds(), ok=ok)

    async def _write_status(self, connection: Writing, cluster_uuid: str, fence: int, change: StatusChange) -> None:
        try:
            await super()._write_status(connection, cluster_uuid, fence, change)
        except LeaseLost:
            self._meter.fenced()
            raise


class Page:
    """What is served under /metrics. Anybody may ask, and whole tables are counted for it: at most once in `fresh`, however many ask."""

    def __init__(self, store: Store, meter: Meter, clock: Clock, fresh: timedelta = _FRESH) -> None:
        self._store, self._meter, self._clock = store, meter, clock
        self._kept = Recent(self._look, fresh)

    async def __call__(self) -> bytes:
        """In Prometheus' text format. Without the database only this process's own numbers are known, and that it is away."""
        kept: _Kept | None = None
        with suppress(RetryLater):
            kept = await self._kept.get()
        up = GaugeMetricFamily("jeroboam_database_up", "Whether the database answers.", 0 if kept is None else 1)
        shown = CollectorRegistry(auto_describe=False)
        shown.register(_Fixed([up, *(kept.families() if kept else ())]))
        return generate_latest(self._meter.registry) + generate_latest(shown)

    async def _look(self) -> _Kept:
        return _Kept(await self._store.figures(), self._clock.now())


class _Fixed:
    """A collector of what was collected already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families

    def describe(self) -> Iterable[Metric]:
        return ()


class _Kept:
    """What the database said at a moment, as families of metrics."""

    def __init__(self, figures: Figures, now: datetime) -> None:
        self._figures, self._now = figures, now

    def families(self) -> list[Metric]:
        return [*self._operations(), *self._others()]

    def _operations(self) -> list[Metric]:
        ended = CounterMetricFamily(
            "jeroboam_operations",
            "Operations that ended, by kind, outcome and whose move it was.",
            labels=("kind", "outcome", "error_class"),
        )
        live = GaugeMetricFamily("jeroboam_operations_live", "Operations that wait or run.", labels=("kind", "state"))
        for (kind, state, error_class), number in self._figures.operations.items():
            if state in OPERATION_FINAL:
                ended.add_metric((kind, state, error_class), number)
            else:
                live.add_metric((kind, state), number)
        oldest = self._figures.oldest_queued_at
        age = (self._now - oldest).total_seconds() if oldest else 0.0
        queue = GaugeMetricFamily(
            "jeroboam_queue_age_seconds", "How long the first of the queue has waited.", max(0.0, age)
        )
        return [ended, live, queue]

    def _others(self) -> list[Metric]:
        clusters = GaugeMetricFamily("jeroboam_clusters", "Clusters by status.", labels=("status",))
        for status, number in self._figures.clusters.items():
            clusters.add_metric((status,), number)
        silent = max(((self._now - beat).total_seconds() for beat in self._figures.beaten_at), default=0.0)
        return [
            clusters,
            GaugeMetricFamily("jeroboam_leases", "Conductors that hold a lease.", len(self._figures.beaten_at)),
            GaugeMetricFamily(
                "jeroboam_lease_silence_seconds", "The longest silence of one of them.", max(0.0, silent)
            ),
            GaugeMetricFamily("jeroboam_events_waiting", "Notifications in the outbox.", self._figures.events),
        ]
