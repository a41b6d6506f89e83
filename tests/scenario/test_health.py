"""What the health scan says, and that one cluster in trouble does not keep it from the others."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from jeroboam.conductor.access import AdminAccess
from jeroboam.conductor.health import HealthScan
from jeroboam.conductor.shares import Shares
from jeroboam.contracts import Access, Clock, CoeHealth, Machine, MachineCensus, Provider, StatusChange, SystemClock
from jeroboam.domain import Cluster, Health, OperationKind, OperationState, Role, Status
from jeroboam.domain.errors import CoeUnreachable, ProviderUnavailable
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders
from jeroboam.testing.builders import ManualClock
from jeroboam.testing.memory_vault import MemoryVault
from jeroboam.testing.stage import Stage


class Silent(FakeDriver):
    async def health(self, access: Access, expected: Any) -> CoeHealth:
        raise CoeUnreachable("the API server does not answer")


class Hanging(FakeDriver):
    """Of one cluster it never hears."""

    async def health(self, access: Access, expected: Any) -> CoeHealth:
        machines: list[Machine] = list(expected)
        if machines[0].name.startswith("hung"):
            await asyncio.sleep(3600)
        return await super().health(access, machines)


class Late(FakeDriver):
    """A timeout of its own, which it does not translate."""

    async def health(self, access: Access, expected: Any) -> CoeHealth:
        raise TimeoutError


class OneByOne:
    """A provider that does not list across clusters, and never answers for one of them."""

    def __init__(self, provider: Provider, hung: str) -> None:
        self._provider, self._hung = provider, hung

    def __getattr__(self, name: str) -> Any:
        if name == "list_machines_of":
            raise AttributeError(name)
        return getattr(self._provider, name)

    async def list_machines(self, cluster_uuid: str) -> Any:
        if cluster_uuid == self._hung:
            await asyncio.sleep(3600)
        return await self._provider.list_machines(cluster_uuid)


class Odd(FakeDriver):
    """Fails in a way of its own for one cluster."""

    async def health(self, access: Access, expected: Any) -> CoeHealth:
        machines: list[Machine] = list(expected)
        if machines[0].name.startswith("odd"):
            raise ZeroDivisionError
        return await super().health(access, machines)


async def made(stage: Stage, name: str = "demo") -> Cluster:
    cluster, create = await stage.add(name=name)
    await stage.run(create)
    return cluster


async def scan(stage: Stage, *, limit: timedelta = timedelta(minutes=10)) -> int:
    drivers = {"fake": stage.driver}
    access = AdminAccess(SystemClock())
    health = HealthScan(stage.store, stage.provider, drivers, SystemClock(), access, every=timedelta(0), limit=limit)
    async with asyncio.timeout(20):
        return await health.once()


async def test_a_cluster_whose_deletion_failed_fills_a_batch_and_is_not_looked_at(stage: Stage) -> None:
    cluster, other = await made(stage), await made(stage, "other")
    delete = builders.operation(cluster, OperationKind.DELETE)
    await stage.store.request_delete(cluster.uuid, delete)
    begun = await stage.store.begin_operation(delete.uuid)
    assert begun is not None
    failed = StatusChange(status=Status.DELETE_FAILED)
    await stage.store.finish_operation(delete.uuid, begun[1], OperationState.FAILED, change=failed)
    assert await scan(stage) == 2
    seen = [(await stage.row(one)).cluster.health for one in (cluster, other)]
    assert seen == [None, Health.HEALTHY]


@pytest.mark.parametrize("name", ["away", "silent", "well"])
async def test_unknown_is_not_unhealthy(stage: Stage, name: str) -> None:
    cluster = await made(stage)
    cloud = stage.provider.cloud  # type: ignore[attr-defined]
    away = FakeProvider(Cloud(faults=[Fault("list_machines", "unavailable", message="the cloud is away")]))
    same = FakeProvider(cloud, boot_s=0)
    seen = {
        "away": replace(stage, provider=away),
        "silent": replace(stage, provider=same, driver=Silent()),
        "well": replace(stage, provider=same),
    }[name]
    await scan(seen)
    row = await stage.row(cluster)
    assert (row.cluster.health, row.cluster.health_reason.get("api")) == {
        "away": (Health.UNKNOWN, "the cloud is away"),
        "silent": (Health.UNHEALTHY, "the API server does not answer"),
        "well": (Health.HEALTHY, "ok"),
    }[name]


async def test_a_provider_that_refuses_is_somebodys_move(stage: Stage) -> None:
    """As of a project that is disabled."""
    cluster = await made(stage)
    shut = FakeProvider(Cloud(faults=[Fault("list_machines", "refuse", message="the project is disabled")]))
    await scan(replace(stage, provider=shut))
    row = await stage.row(cluster)
    assert row.cluster.health is Health.UNKNOWN
    assert (row.cluster.health_reason["api"], row.cluster.health_reason["class"]) == (
        "the project is disabled",
        "operator",
    )


class SlowVault(MemoryVault):
    async def open(self, ref: str) -> bytes:
        await asyncio.sleep(3600)
        return await super().open(ref)


@pytest.mark.parametrize("trouble", ["away", "slow", "a lost key"])
async def test_keys_that_cannot_be_read_are_told_and_the_machines_looked_at(
    stage: Stage, counted: Stage, trouble: str
) -> None:
    """By a process that has not read them before."""
    vault = SlowVault() if trouble == "slow" else MemoryVault()
    for each in (stage, counted):
        assert isinstance(each.store, SqlStore)
        each.store.vault = vault
    cluster = await made(stage)
    lost = next(one for one in await stage.provider.list_machines(cluster.uuid) if one.role is Role.WORKER)
    await stage.provider.delete_machine(cluster.uuid, lost.name)
    if trouble == "a lost key":
        vault.keys.clear()
    vault.away = trouble == "away"
    await scan(counted, limit=timedelta(seconds=0.2) if trouble == "slow" else timedelta(minutes=10))
    seen = (await stage.row(cluster)).cluster
    said, move = {
        "away": ("The vault does not answer.", "transient"),
        "slow": ("store did not answer within 0.2 s, so the call was cut: get_secrets.", "transient"),
        "a lost key": ("The key .* is not in the vault.", "operator"),
    }[trouble]
    assert re.fullmatch(said, seen.health_reason["api"]), seen.health_reason
    assert (seen.health, seen.health_reason["class"]) == (Health.UNHEALTHY, move)
    assert seen.health_reason[f"{lost.name}.Ready"] == "False"


async def test_one_cluster_in_trouble_does_not_keep_the_scan_from_the_others(stage: Stage) -> None:
    odd, well = await made(stage, "odd"), await made(stage, "well")
    await scan(replace(stage, driver=Odd()))
    assert (await stage.row(odd)).cluster.health is None
    assert (await stage.row(well)).cluster.health is Health.HEALTHY


@pytest.mark.parametrize("who", ["driver", "census", "provider"])
async def test_a_call_that_never_answers_is_cut_and_told(stage: Stage, who: str) -> None:
    hung, well = await made(stage, "hung"), await made(stage, "well")
    cloud = stage.provider.cloud  # type: ignore[attr-defined]
    same = FakeProvider(cloud, boot_s=0)
    one_by_one = cast("Provider", OneByOne(same, hung.uuid))
    assert not isinstance(one_by_one, MachineCensus)
    world = {
        "driver": replace(stage, driver=Hanging()),
        "census": replace(stage, provider=FakeProvider(Cloud(faults=[Fault("list_machines", "hang")]))),
        "provider": replace(stage, provider=one_by_one),
    }[who]
    await scan(world, limit=timedelta(seconds=0.2))
    of_hung, of_well = [(await stage.row(one)).cluster for one in (hung, well)]
    cut = "fake did not answer within 0.2 s, so the call was cut: "
    assert (of_hung.health, of_hung.health_reason["api"]) == {
        "driver": (Health.UNHEALTHY, cut + "health."),
        "census": (Health.UNKNOWN, cut + "list_machines_of."),
        "provider": (Health.UNKNOWN, cut + "list_machines."),
    }[who]
    assert of_well.health is (Health.UNKNOWN if who == "census" else Health.HEALTHY)


async def test_a_timeout_of_a_drivers_own_is_not_taken_for_the_scans(stage: Stage) -> None:
    cluster = await made(stage)
    with capture_logs() as logs:
        await scan(replace(stage, driver=Late()))
    assert [line["event"] for line in logs if "TimeoutError" in line.get("trace", "")] == ["health scan failed"]
    assert (await stage.row(cluster)).cluster.health is None


class Counted(SqlStore):
    """Remembers whose keys were read, and which health was written."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        super().__init__(url, Sealer(b"k" * 32), clock or SystemClock())
        self.read: list[str] = []
        self.written: list[Health] = []

    async def get_secrets(self, cluster_uuid: str) -> Any:
        self.read.append(cluster_uuid)
        return await super().get_secrets(cluster_uuid)

    async def write_health(self, cluster_uuid: str, health: Health, *rest: Any) -> None:
        self.written.append(health)
        await super().write_health(cluster_uuid, health, *rest)


@pytest.fixture
async def counted(stage: Stage, tmp_path: Path) -> AsyncIterator[Stage]:
    store = Counted(f"sqlite:///{tmp_path}/stage.sqlite")
    yield replace(stage, store=store)
    await store.stop()


async def test_a_cluster_that_is_as_it_was_costs_its_claim(stage: Stage, counted: Stage) -> None:
    """Its health is not written again, its keys are not read again; a new operation, as a rotation is, has them read anew."""
    cluster = await made(stage)
    store = counted.store
    assert isinstance(store, Counted)
    drivers = {"fake": stage.driver}
    clock = SystemClock()
    health = HealthScan(store, stage.provider, drivers, clock, AdminAccess(clock), every=timedelta(0))
    for _ in range(3):
        assert await health.once() == 1
    assert (store.read, store.written) == ([cluster.uuid], [Health.HEALTHY])
    await stage.run(await stage.ask(cluster, OperationKind.ROTATE_CA))
    store.read.clear()
    await health.once()
    assert store.read == [cluster.uuid]
    drivers["fake"] = Silent()
    await health.once()
    assert store.written == [Health.HEALTHY, Health.UNHEALTHY]


async def test_of_two_conductors_each_looks_at_its_share_and_at_what_the_other_leaves(
    stage: Stage, tmp_path: Path
) -> None:
    """Keys are read once by one of them, and nobody's cluster waits longer than twice a period when the other stands still."""
    clusters = {(await made(stage, f"c-{number}")).uuid for number in range(5)}
    clock, period = ManualClock(SystemClock().now()), timedelta(seconds=60)
    alive = ["one", "two"]
    stores = [Counted(f"sqlite:///{tmp_path}/stage.sqlite", clock) for _ in alive]
    drivers = {"fake": stage.driver}
    one, two = (
        HealthScan(
            store, stage.provider, drivers, clock, AdminAccess(clock), every=period, shares=Shares(name, lambda: alive)
        )
        for store, name in zip(stores, alive, strict=True)
    )
    for _ in range(3):
        assert (await one.once(), await two.once()) == (2, 3)
        clock.advance(61)
    assert [len(store.read) for store in stores] == [2, 3]
    assert {*stores[0].read, *stores[1].read} == clusters
    assert await one.once() == 2
    clock.advance(28)  # 89 s after the last look of the other
    assert await one.once() == 0
    clock.advance(16)
    assert await one.once() == 3
    assert await one.once() == 0
    clock.advance(61)
    alive.remove("two")
    assert await one.once() == 5
    for store in stores:
        await store.stop()


class Telling(FakeProvider):
    """Its machines tell on their consoles why a unit of theirs fails; one has no console."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud, boot_s=0)
        self.read: list[str] = []

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        self.read.append(name)
        if name.endswith("worker-0"):
            raise ProviderUnavailable("no console today")
        return "JEROBOAM/1 done all\nJEROBOAM/1 unit kubelet no config\n"


async def test_a_node_that_is_not_ready_is_told_with_what_its_console_says(stage: Stage) -> None:
    cluster = await made(stage)
    cloud = stage.provider.cloud  # type: ignore[attr-defined]
    await scan(replace(stage, provider=Telling(cloud), driver=FakeDriver(unhealthy="*-worker-*")))
    row = await stage.row(cluster)
    assert row.cluster.health is Health.UNHEALTHY
    told = {key.rpartition("-")[2]: why for key, why in row.cluster.health_reason.items() if key.endswith(".Reason")}
    assert told == {
        "0.Reason": "NotReady by the settings",
        "1.Reason": "NotReady by the settings. On its console: kubelet: no config",
    }
    assert row.cluster.health_reason["class"] == "operator"


async def test_of_many_nodes_that_are_not_ready_the_first_consoles_are_read(stage: Stage) -> None:
    cluster, create = await stage.add(workers=8)
    await stage.run(create)
    provider = Telling(stage.provider.cloud)  # type: ignore[attr-defined]
    await scan(replace(stage, provider=provider, driver=FakeDriver(unhealthy="*-worker-*")))
    reason = (await stage.row(cluster)).cluster.health_reason
    told = {key: why for key, why in reason.items() if key.endswith(".Reason")}
    assert (len(told), provider.read) == (8, [f"demo-{cluster.uuid[:8]}-default-worker-{n}" for n in range(5)])
