"""What /metrics says after operations that went well and badly, and the dashboard that is drawn from it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jeroboam.contracts import Figures, MachineRebuilder, OperationGate, Provider, StatusChange, SystemClock
from jeroboam.domain.errors import LeaseLost
from jeroboam.drivers.fake import FakeDriver
from jeroboam.main.metering import Meter, MeteredStore, Page
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing.stage import Stage

DASHBOARD = Path(__file__).parents[3] / "docs" / "grafana" / "jeroboam.json"
Sample = tuple[str, frozenset[tuple[str, str]]]


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
async def metered(tmp_path: Path, meter: Meter) -> AsyncIterator[Stage]:
    """A stage whose store and provider tell the meter; the first machine called worker-1 is refused."""
    store = MeteredStore(f"sqlite:///{tmp_path}/metered.sqlite", Sealer(b"k" * 32), SystemClock(), meter)
    await store.start()
    faults = [Fault("ensure_machine", "refuse", "*worker-1", "no valid host was found", times=1)]
    provider = FakeProvider(Cloud(faults=faults), boot_s=0)
    meter.watch(provider)
    assert isinstance(provider, OperationGate)
    yield Stage(store, provider, FakeDriver(), SystemClock())
    await store.stop()


async def samples(stage: Stage, meter: Meter) -> dict[Sample, float]:
    text = (await Page(stage.store, meter, stage.clock)()).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: dict[Sample, float], name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


async def test_operations_steps_and_calls_are_counted(metered: Stage, meter: Meter) -> None:
    _, create = await metered.add()
    await metered.run(create)
    cluster, second = await metered.add(name="second")
    before = await samples(metered, meter)
    assert of(before, "jeroboam_operations_live", kind="create", state="queued") == 1
    assert (of(before, "jeroboam_queue_age_seconds") or -1) >= 0
    await metered.run(second)
    found = await samples(metered, meter)
    ended = "jeroboam_operations_total"
    assert of(found, ended, kind="create", outcome="failed", error_class="operator") == 1
    assert of(found, ended, kind="create", outcome="succeeded", error_class="") == 1
    assert of(found, "jeroboam_operations_live", kind="create", state="queued") is None
    assert of(found, "jeroboam_clusters", status="CREATE_COMPLETE") == 1
    assert of(found, "jeroboam_clusters", status="CREATE_FAILED") == 1
    assert of(found, "jeroboam_step_seconds_count", step="network", outcome="ok") == 2
    assert (of(found, "jeroboam_step_seconds_count", step="machine", outcome="failed") or 0) >= 1
    errors = {"provider": "fake", "call": "ensure_machine", "error_class": "operator"}
    assert of(found, "jeroboam_provider_errors_total", **errors) == 1
    assert of(found, "jeroboam_provider_call_seconds_count", provider="fake", call="ensure_machine") == 6
    assert of(found, "jeroboam_database_up") == 1
    with pytest.raises(LeaseLost):
        await metered.store.write_status(cluster.uuid, 99, StatusChange())
    assert of(await samples(metered, meter), "jeroboam_fenced_writes_total") == 1


async def test_no_tenant_is_in_it(metered: Stage, meter: Meter) -> None:
    cluster, create = await metered.add(name="secret-plan")
    await metered.run(create)
    text = (await Page(metered.store, meter, metered.clock)()).decode()
    for word in (cluster.uuid, cluster.name, cluster.project_id, cluster.user_id, create.uuid):
        assert word not in text


async def test_leases_are_counted(metered: Stage, meter: Meter) -> None:
    await metered.store.take_lease("one", "host-1")
    found = await samples(metered, meter)
    assert of(found, "jeroboam_leases") == 1
    assert 0 <= (of(found, "jeroboam_lease_silence_seconds") or 0) < 60


class Counted(SqlStore):
    """Counts how often it was asked for its figures."""

    looks = 0

    async def figures(self) -> Figures:
        self.looks += 1
        return await super().figures()


async def test_the_database_is_counted_once_for_all_who_ask(tmp_path: Path, meter: Meter) -> None:
    store = Counted(f"sqlite:///{tmp_path}/counted.sqlite", Sealer(b"k" * 32), SystemClock())
    await store.start()
    page = Page(store, meter, SystemClock())
    pages = await asyncio.gather(*(page() for _ in range(20)))
    assert all(b"jeroboam_database_up 1.0" in one for one in [*pages, await page()])
    assert store.looks == 1
    await store.stop()


async def test_without_the_database_the_process_still_tells_of_itself(tmp_path: Path, meter: Meter) -> None:
    store = MeteredStore(f"sqlite:///{tmp_path}/absent.sqlite", Sealer(b"k" * 32), SystemClock(), meter)
    text = (await Page(store, meter, SystemClock())()).decode()
    assert "jeroboam_database_up 0.0\n" in text
    assert "process_resident_memory_bytes" in text
    await store.stop()


async def test_the_dashboard_asks_for_what_there_is(metered: Stage, meter: Meter) -> None:
    _, create = await metered.add()
    await metered.run(create)
    await metered.run((await metered.add(name="second"))[1])
    await metered.add(name="third")
    known = {name for name, _ in await samples(metered, meter)}
    board = json.loads(DASHBOARD.read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:jeroboam|process)_\w+", target["expr"])
    }
    assert len(asked) > 10
    assert asked <= known
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


async def test_a_provider_that_takes_no_attributes_works_uncounted(meter: Meter) -> None:
    class Bare:
        __slots__ = ()
        name = "bare"

        async def list_resources(self) -> list[str]:
            return ["machine"]

    bare = Bare()
    meter.watch(cast("Provider", bare))
    assert await bare.list_resources() == ["machine"]


async def test_calls_that_not_every_provider_has_are_counted(metered: Stage, meter: Meter) -> None:
    assert isinstance(metered.provider, MachineRebuilder)
    await metered.provider.unmake_machine("0b6e8f0e-0000-4000-8000-000000000000", "absent")
    found = await samples(metered, meter)
    assert of(found, "jeroboam_provider_call_seconds_count", provider="fake", call="unmake_machine") == 1
