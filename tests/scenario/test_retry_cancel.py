"""What failed is tried again; what runs or waits is cancelled; requests that meet each other. Through the use cases, on the fakes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jeroboam.contracts import Caller, Image
from jeroboam.domain import Cluster, Operation, OperationKind, OperationState, Status
from jeroboam.domain.errors import Conflict
from jeroboam.drivers.fake import StatefulFakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.providers.fake.catalogue import FakeCatalogue
from jeroboam.service import Asker, Policy, Services, abilities, changes, clusters, group_changes, operations, retries
from jeroboam.service.abilities import UpgradeWish
from jeroboam.service.changes import Resize
from jeroboam.service.group_changes import NewGroup
from jeroboam.testing import builders
from jeroboam.testing.stage import QUICK, Stage

ME = Asker(Caller("user-1", builders.PROJECT, frozenset({"member", "reader"})), "req-2")
PATIENT = replace(QUICK, boot=timedelta(minutes=5))  # a boot that a test waits for is not late on a busy machine
TWO_IMAGES = FakeCatalogue(
    image_list=tuple(Image(name, name, {"os_distro": "debian"}) for name in ("fake-image", "next"))
)


def with_faults(stage: Stage, *faults: Fault, boot_s: float = 0) -> Stage:
    provider = FakeProvider(Cloud(faults=list(faults)), boot_s=boot_s)
    provider.catalogue = TWO_IMAGES
    return replace(stage, provider=provider, limits=PATIENT)


def services(stage: Stage) -> Services:
    return Services(
        store=stage.store,
        providers={"fake": stage.provider},
        default_provider="fake",
        drivers={"fake": stage.driver},
        clock=stage.clock,
        policy=Policy(),
    )


async def newest(stage: Stage, uuid: str) -> Operation:
    return (await stage.store.list_operations(uuid))[0]


async def workers(stage: Stage, uuid: str) -> int:
    return sum(machine.group == "default-worker" for machine in await stage.provider.list_machines(uuid))


async def test_a_create_that_failed_is_retried_as_a_create(stage: Stage) -> None:
    world = with_faults(stage, Fault("ensure_machine", "refuse", "*worker-1", "no valid host was found", times=1))
    cluster, create = await world.add()
    assert (await world.run(create)).state is OperationState.FAILED
    again = await retries.retry(services(world), ME, cluster.uuid)
    row = await world.row(cluster)
    assert (again.kind, again.summary, row.cluster.status) == (
        OperationKind.CREATE,
        "retry: create",
        Status.CREATE_IN_PROGRESS,
    )
    assert {group.status for group in row.groups} == {Status.CREATE_IN_PROGRESS}
    assert (await world.run(again)).state is OperationState.SUCCEEDED
    row = await world.row(cluster)
    assert (row.cluster.status, row.cluster.observed_generation) == (Status.CREATE_COMPLETE, 2)
    assert {group.status for group in row.groups} == {Status.CREATE_COMPLETE}


async def test_a_node_whose_first_boot_failed_is_made_anew_by_the_retry_and_no_other(stage: Stage) -> None:
    world = with_faults(stage, Fault("ensure_machine", "boot_fail", "*worker-0", "no space left", times=1))
    cluster, create = await world.add()
    assert (await world.run(create)).state is OperationState.FAILED
    before = {m.name: m.id for m in await world.provider.list_machines(cluster.uuid)}
    again = await retries.retry(services(world), ME, cluster.uuid)
    assert (await world.run(again)).state is OperationState.SUCCEEDED
    after = {m.name: m.id for m in await world.provider.list_machines(cluster.uuid)}
    assert [name for name in after if before[name] != after[name]] == [
        name for name in after if name.endswith("worker-0")
    ]
    assert [s.target for s in await world.store.list_steps(again.uuid) if s.name == "renew"] == [
        name for name in after if name.endswith("worker-0")
    ]


async def test_a_boot_that_fails_in_the_retry_too_ends_it(stage: Stage) -> None:
    world = with_faults(stage, Fault("ensure_machine", "boot_fail", "*worker-0", "no space left"))
    cluster, create = await world.add()
    await world.run(create)
    done = await world.run(await retries.retry(services(world), ME, cluster.uuid))
    assert done.state is OperationState.FAILED
    assert (done.error or "").endswith("worker-0: bootstrap step join failed: no space left")
    assert [s.name for s in await world.store.list_steps(done.uuid)].count("renew") == 1


async def test_a_resize_whose_count_went_back_is_retried_with_the_count_that_was_wished(stage: Stage) -> None:
    world = with_faults(stage, Fault("ensure_machine", "refuse", "*worker-2", "no valid host was found", times=1))
    cluster, create = await world.add()
    await world.run(create)
    await changes.resize(services(world), ME, cluster.uuid, Resize(3))
    assert (await world.run(await newest(world, cluster.uuid))).state is OperationState.FAILED
    assert (await world.row(cluster)).groups[1].node_count == 2
    again = await retries.retry(services(world), ME, cluster.uuid)
    assert again.summary == "retry: resize default-worker from 2 to 3 nodes"
    assert (await world.row(cluster)).groups[1].node_count == 3
    assert (await world.run(again)).state is OperationState.SUCCEEDED
    assert await workers(world, cluster.uuid) == 3


async def test_a_retry_that_fails_before_it_made_anything_gives_the_count_back_once_more(stage: Stage) -> None:
    world = with_faults(stage, Fault("ensure_machine", "refuse", "*worker-2", "full", times=2))
    cluster, create = await world.add()
    await world.run(create)
    await changes.resize(services(world), ME, cluster.uuid, Resize(3))
    await world.run(await newest(world, cluster.uuid))
    await world.run(await retries.retry(services(world), ME, cluster.uuid))
    assert (await world.row(cluster)).groups[1].node_count == 2
    again = await retries.retry(services(world), ME, cluster.uuid)
    assert again.summary == "retry: resize default-worker from 2 to 3 nodes"
    assert (await world.run(again)).state is OperationState.SUCCEEDED


async def test_an_upgrade_that_failed_goes_on_to_its_target(stage: Stage) -> None:
    world = with_faults(stage, Fault("delete_machine", "refuse", "*worker-1", "locked", times=1))
    cluster, create = await world.add()
    await world.run(create)
    template = await world.store.add_template(
        builders.template(name="new", shape=replace(cluster.shape, image_id="next"))
    )
    await abilities.upgrade(services(world), ME, cluster.uuid, UpgradeWish(template.uuid))
    assert (await world.run(await newest(world, cluster.uuid))).state is OperationState.FAILED
    again = await retries.retry(services(world), ME, cluster.uuid)
    assert again.kind is OperationKind.UPGRADE
    assert (await world.run(again)).state is OperationState.SUCCEEDED
    assert (await world.row(cluster)).cluster.template_uuid == template.uuid
    assert {m.image_id for m in await world.provider.list_machines(cluster.uuid)} == {"next"}


class Renewed(FakeProvider):
    """Remembers what was taken away, and calls `unmade` after each machine that is to be made anew around its state."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(Cloud(faults=list(faults)), boot_s=0, catalogue=TWO_IMAGES)
        self.gone: list[str] = []
        self.unmade: Callable[[], Awaitable[object]] | None = None

    async def unmake_machine(self, cluster_uuid: str, name: str) -> None:
        await super().unmake_machine(cluster_uuid, name)
        self.gone.append(f"unmade {name[-8:]}")
        if self.unmade:
            await self.unmade()

    async def delete_machine(self, cluster_uuid: str, name: str) -> None:
        await super().delete_machine(cluster_uuid, name)
        self.gone.append(f"deleted {name[-8:]}")


async def stateful(stage: Stage, provider: Renewed) -> tuple[Stage, Cluster]:
    """A cluster of a driver whose control plane is its disk, one worker, and an upgrade asked for."""
    world = replace(stage, provider=provider, driver=StatefulFakeDriver())
    cluster, create = await world.add(workers=1)
    assert (await world.run(create)).state is OperationState.SUCCEEDED
    template = await world.store.add_template(
        builders.template(name="new", shape=replace(cluster.shape, image_id="next"))
    )
    await abilities.upgrade(services(world), ME, cluster.uuid, UpgradeWish(template.uuid))
    return world, cluster


async def test_a_retry_takes_no_state_away_from_a_node_that_was_made_anew_around_it(stage: Stage) -> None:
    fault = Fault("ensure_machine", "boot_fail", "*master-0", "the engine does not start", times=1, met=1)
    world, cluster = await stateful(stage, provider := Renewed(fault))
    fault.met = 0
    assert (await world.run(await newest(world, cluster.uuid))).state is OperationState.FAILED
    again = await retries.retry(services(world), ME, cluster.uuid)
    assert (await world.run(again)).state is OperationState.SUCCEEDED
    assert provider.gone == ["unmade master-0", "unmade master-0", "unmade worker-0"]
    steps = await world.store.list_steps(again.uuid)
    assert next(step.name for step in steps if step.target.endswith("master-0")) == "renew"


async def test_a_node_that_never_came_up_is_made_without_its_rests(stage: Stage) -> None:
    fault = Fault("ensure_machine", "boot_fail", "*worker-0", "no space left", times=1)
    world = replace(stage, provider=(provider := Renewed(fault)), driver=StatefulFakeDriver())
    cluster, create = await world.add()
    assert (await world.run(create)).state is OperationState.FAILED
    assert (await world.run(await retries.retry(services(world), ME, cluster.uuid))).state is OperationState.SUCCEEDED
    assert provider.gone == ["deleted worker-0"]


async def test_an_upgrade_that_is_cancelled_when_a_machine_is_away_leaves_no_whole_cluster(stage: Stage) -> None:
    world, cluster = await stateful(stage, provider := Renewed())
    upgrade = await newest(world, cluster.uuid)
    provider.unmade = lambda: operations.cancel(services(world), ME, upgrade.uuid)
    assert (await world.run(upgrade)).state is OperationState.CANCELLED
    assert provider.gone == ["unmade master-0"]
    assert (await world.row(cluster)).cluster.status is Status.UPDATE_FAILED
    provider.unmade = None
    assert (await world.run(await retries.retry(services(world), ME, cluster.uuid))).state is OperationState.SUCCEEDED
    assert {m.image_id for m in await provider.list_machines(cluster.uuid)} == {"next"}


async def test_a_delete_that_failed_is_retried_as_a_delete(stage: Stage) -> None:
    world = with_faults(stage, Fault("delete_all", "refuse", message="locked", times=1))
    cluster, create = await world.add()
    await world.run(create)
    assert (await world.run(await world.ask_delete(cluster))).state is OperationState.FAILED
    again = await retries.retry(services(world), ME, cluster.uuid)
    assert again.kind is OperationKind.DELETE
    assert (await world.run(again)).state is OperationState.SUCCEEDED
    assert await world.provider.list_resources() == []


async def test_a_retry_of_what_has_not_failed_is_refused(stage: Stage) -> None:
    cluster, create = await stage.add()
    with pytest.raises(Conflict, match=r"^Cluster demo is CREATE_IN_PROGRESS: it is worked on\.$"):
        await retries.retry(services(stage), ME, cluster.uuid)
    await stage.run(create)
    with pytest.raises(Conflict, match=r"^Cluster demo is CREATE_COMPLETE: nothing has failed\.$"):
        await retries.retry(services(stage), ME, cluster.uuid)
    assert len(await stage.store.list_operations(cluster.uuid)) == 1


async def test_two_retries_at_once_one_is_done_and_the_other_told_so(stage: Stage) -> None:
    world = with_faults(stage, Fault("ensure_machine", "refuse", times=1))
    cluster, create = await world.add()
    await world.run(create)
    ends = await asyncio.gather(
        *(retries.retry(services(world), ME, cluster.uuid) for _ in range(2)), return_exceptions=True
    )
    [told] = [end for end in ends if isinstance(end, Conflict)]
    [asked] = [end for end in ends if isinstance(end, Operation)]
    assert told.message == "Cluster demo is CREATE_IN_PROGRESS: it is worked on."
    assert [one.uuid for one in await world.store.runnable_operations(9)] == [asked.uuid]


async def running(world: Stage, operation: Operation) -> "asyncio.Task[Operation]":
    """The operation at work, in its first wait."""
    task = asyncio.create_task(world.run(operation))
    while not any(step.name == "boot" for step in await world.store.list_steps(operation.uuid)):
        await asyncio.sleep(0.01)
    return task


async def test_a_create_is_cancelled_in_its_course_and_goes_on_when_retried(stage: Stage) -> None:
    world = with_faults(stage, boot_s=3600)
    cluster, create = await world.add()
    task = await running(world, create)
    assert (await operations.cancel(services(world), ME, create.uuid)).cancel_requested
    assert (await operations.cancel(services(world), ME, create.uuid)).state is OperationState.RUNNING  # asked again
    done = await task
    assert (done.state, done.error) == (OperationState.CANCELLED, "Stopped: cancelled by request req-2.")
    row = await world.row(cluster)
    assert (row.cluster.status, row.cluster.status_reason) == (
        Status.CREATE_FAILED,
        "Stopped: cancelled by request req-2. Retry the cluster to go on with it, resize it, or delete it.",
    )
    assert all(step.ended_at is not None for step in await world.store.list_steps(create.uuid))
    quick = replace(world, provider=FakeProvider(world.provider.cloud, boot_s=0))  # type: ignore[attr-defined]
    assert (await quick.run(await retries.retry(services(quick), ME, cluster.uuid))).state is OperationState.SUCCEEDED


async def test_a_cancelled_operation_does_not_wait_for_the_pause_of_its_error(stage: Stage) -> None:
    world = with_faults(stage, Fault("ensure_network", "unavailable"))
    _, create = await world.add()
    task = asyncio.create_task(world.run(create))
    while len(await world.store.list_steps(create.uuid)) < 4:  # by then it pauses for eight seconds
        await asyncio.sleep(0.05)
    await operations.cancel(services(world), ME, create.uuid)
    async with asyncio.timeout(6):
        assert (await task).state is OperationState.CANCELLED


async def test_a_resize_that_is_cancelled_before_it_began_leaves_a_whole_cluster(stage: Stage) -> None:
    cluster, create = await stage.add()
    await stage.run(create)
    await changes.resize(services(stage), ME, cluster.uuid, Resize(5))
    resize = await newest(stage, cluster.uuid)
    await operations.cancel(services(stage), ME, resize.uuid)
    assert (await stage.run(resize)).state is OperationState.CANCELLED
    row = await stage.row(cluster)
    assert (row.cluster.status, row.groups[1].status, row.groups[1].node_count) == (
        Status.UPDATE_COMPLETE,
        Status.UPDATE_COMPLETE,
        2,
    )
    assert (row.cluster.status_reason, row.cluster.observed_generation) == (None, 2)
    assert await workers(stage, cluster.uuid) == 2


async def test_a_resize_that_is_cancelled_when_it_made_a_machine_keeps_its_wish(stage: Stage) -> None:
    cluster, create = await stage.add()
    await stage.run(create)
    slow = replace(stage, provider=FakeProvider(stage.provider.cloud, boot_s=3600), limits=PATIENT)  # type: ignore[attr-defined]
    await changes.resize(services(slow), ME, cluster.uuid, Resize(3))
    resize = await newest(slow, cluster.uuid)
    task = await running(slow, resize)
    await operations.cancel(services(slow), ME, resize.uuid)
    assert (await task).state is OperationState.CANCELLED
    row = await slow.row(cluster)
    assert (row.cluster.status, row.groups[1].node_count) == (Status.UPDATE_FAILED, 3)
    again = await retries.retry(services(stage), ME, cluster.uuid)
    assert (await stage.run(again)).state is OperationState.SUCCEEDED
    assert await workers(stage, cluster.uuid) == 3


async def test_a_resize_that_waits_behind_another_ends_at_once_and_its_nodes_are_not_made(stage: Stage) -> None:
    world = with_faults(stage, boot_s=0.5)
    cluster, create = await world.add()
    task = await running(world, create)
    await changes.resize(services(world), ME, cluster.uuid, Resize(6))
    resize = await newest(world, cluster.uuid)
    gone = await operations.cancel(services(world), ME, resize.uuid)
    assert (gone.state, gone.error) == (OperationState.CANCELLED, "Not begun: cancelled by request req-2.")
    assert gone.finished_at is not None
    assert (await task).state is OperationState.SUCCEEDED
    assert await workers(world, cluster.uuid) == 2
    assert (await world.row(cluster)).cluster.status is Status.CREATE_COMPLETE


async def test_what_a_newer_wish_stands_on_is_not_taken_back(stage: Stage) -> None:
    cluster, create = await stage.add()
    await stage.run(create)
    await changes.resize(services(stage), ME, cluster.uuid, Resize(5))
    first = await newest(stage, cluster.uuid)
    await changes.resize(services(stage), ME, cluster.uuid, Resize(3))
    await operations.cancel(services(stage), ME, first.uuid)
    assert (await stage.row(cluster)).groups[1].node_count == 3
    assert (await stage.run(await newest(stage, cluster.uuid))).state is OperationState.SUCCEEDED
    assert await workers(stage, cluster.uuid) == 3


async def test_what_cannot_be_cancelled_says_why(stage: Stage) -> None:
    cluster, create = await stage.add()
    await stage.run(create)
    with pytest.raises(Conflict, match=rf"^Operation {create.uuid} is over: it has succeeded\.$"):
        await operations.cancel(services(stage), ME, create.uuid)
    await changes.resize(services(stage), ME, cluster.uuid, Resize(3))
    await group_changes.create(services(stage), ME, cluster.uuid, NewGroup("big"))
    added = await newest(stage, cluster.uuid)
    with pytest.raises(Conflict, match=r"^This nodegroup_create waits behind another operation, which carries it out"):
        await operations.cancel(services(stage), ME, added.uuid)
    await clusters.delete(services(stage), ME, cluster.uuid)
    with pytest.raises(Conflict, match=r"^A delete cannot be cancelled: a part of what it removes may be gone already"):
        await operations.cancel(services(stage), ME, (await newest(stage, cluster.uuid)).uuid)


async def test_a_retry_and_a_delete_at_once_both_get_a_true_answer(stage: Stage) -> None:
    for first in ("retry", "delete"):
        world = with_faults(stage, Fault("ensure_machine", "refuse", times=1))
        cluster, create = await world.add(name=f"by-{first}")
        await world.run(create)
        calls: dict[str, Any] = {
            "retry": retries.retry(services(world), ME, cluster.uuid),
            "delete": clusters.delete(services(world), ME, cluster.uuid),
        }
        order = [first, *(name for name in calls if name != first)]
        ends = dict(zip(order, await asyncio.gather(*map(calls.pop, order), return_exceptions=True), strict=True))
        assert ends["delete"] is None
        retried = ends["retry"]
        if isinstance(retried, Conflict):
            assert retried.message == f"Cluster by-{first} is being deleted."
        else:
            assert isinstance(retried, Operation)
            kept = await world.store.get_operation(retried.uuid)
            assert kept is not None
            assert (kept.state, kept.error) == (OperationState.SUPERSEDED, "Not begun: the cluster is being deleted.")
        assert (await world.run(await newest(world, cluster.uuid))).state is OperationState.SUCCEEDED
        assert await world.store.load(cluster.uuid) is None
