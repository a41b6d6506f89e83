"""Faults of the infrastructure and of nodes during an operation, on the fakes: they keep the rules that the real ones keep."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.faults.conftest import Sight

from jeroboam.contracts import ClusterContext, MachineSpec, NodeConfig
from jeroboam.domain import Cluster, Operation
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeCatalogue, FakeProvider, Fault, Spread, Weather
from jeroboam.reconcile.scope import Limits
from jeroboam.testing.stage import Stage


async def created(stage: Stage, sight: Sight, operation: Operation, cluster: Cluster) -> None:
    """The create ends by the fault, as the catalogue says; the deletion leaves nothing."""
    sight.begins()
    done = await stage.run(operation)
    sight.failed(done, (await stage.row(cluster)).cluster.status_reason)
    assert (await stage.run(await stage.ask_delete(cluster))).state == "succeeded"
    assert await stage.provider.list_resources(cluster.uuid) == []


def with_cloud(stage: Stage, *faults: Fault, boot_s: float = 0, weather: Weather | None = None) -> Stage:
    return replace(stage, provider=FakeProvider(Cloud(faults=list(faults)), boot_s=boot_s, weather=weather))


@pytest.mark.fault("image-gone")
async def test_the_image_vanishes_after_the_request(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    empty = FakeProvider(Cloud(), catalogue=FakeCatalogue(image_list=()))
    await created(replace(stage, provider=empty), sight, create, cluster)


@pytest.mark.fault("quota-gone")
async def test_the_quota_is_used_up_during_the_create(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    await created(with_cloud(stage, weather=Weather(machine_quota=1)), sight, create, cluster)


@pytest.mark.fault("provider-refuses")
async def test_the_provider_says_no(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    no = Fault("ensure_network", "refuse", message="the cloud's policy forbids networks")
    await created(with_cloud(stage, no), sight, create, cluster)


@pytest.mark.fault("provider-away")
async def test_the_provider_is_away_for_a_moment(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    away = with_cloud(stage, Fault("ensure_network", "unavailable", message="the cloud is away", times=2))
    running = asyncio.create_task(away.run(create))
    while not (said := (await stage.row(cluster)).cluster.status_reason):
        await asyncio.sleep(0.01)
    sight.waits(said)
    assert (await running).state == "succeeded"
    assert (await stage.row(cluster)).cluster.status_reason is None


@pytest.mark.fault("provider-slow")
async def test_the_provider_is_slower_than_the_time_limit(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add(create_timeout_min=0)
    slow = with_cloud(stage, weather=Weather(latencies={"list_machines": Spread(0.3)}), boot_s=3600)
    await created(replace(slow, limits=Limits(unlimited=timedelta(seconds=1))), sight, create, cluster)


@pytest.mark.fault("boot-fails")
async def test_the_first_boot_of_a_node_fails(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    bad = Fault("ensure_machine", "boot_fail", name="*-worker-1", message="no route to the control plane")
    await created(with_cloud(stage, bad), sight, create, cluster)


@pytest.mark.fault("boot-silent")
async def test_a_node_says_nothing(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    silent = replace(with_cloud(stage, boot_s=3600), limits=Limits(boot=timedelta(seconds=1)))
    await created(silent, sight, create, cluster)


@pytest.mark.fault("node-gone")
async def test_a_node_vanishes_again_and_again(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    await created(with_cloud(stage, boot_s=3600, weather=Weather(machine_life_s=1e-9)), sight, create, cluster)


@pytest.mark.fault("node-never-ready")
async def test_a_node_never_becomes_ready(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    sick = replace(stage, driver=FakeDriver(unhealthy="*-worker-1"), limits=Limits(coe=timedelta(seconds=1)))
    await created(sick, sight, create, cluster)


@pytest.mark.fault("driver-gone")
async def test_the_driver_of_a_cluster_is_not_installed_any_more(stage: Stage, sight: Sight) -> None:
    shape = replace((await stage.add(name="other"))[0].shape, driver="gone")
    cluster, create = await stage.add(shape=shape)
    await created(stage, sight, create, cluster)


class Broken(FakeDriver):
    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        raise ZeroDivisionError


@pytest.mark.fault("own-error")
async def test_an_error_of_our_own(stage: Stage, sight: Sight) -> None:
    cluster, create = await stage.add()
    await created(replace(stage, driver=Broken()), sight, create, cluster)
