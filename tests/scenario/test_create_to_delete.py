"""State in, operation run, state out: on a real store with the fake provider and driver."""

from dataclasses import replace
from datetime import datetime, timedelta

from jeroboam.contracts import CoeHealth, SystemClock
from jeroboam.domain import ErrorClass, OperationState, Status
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.testing import builders
from jeroboam.testing.stage import QUICK, Stage


def with_faults(stage: Stage, *faults: Fault) -> Stage:
    return replace(stage, provider=FakeProvider(Cloud(faults=list(faults)), boot_s=0))


async def test_create_makes_the_machines_and_tells_addresses_versions_and_timeline(stage: Stage) -> None:
    cluster, create = await stage.add()
    assert (await stage.run(create)).state is OperationState.SUCCEEDED
    row = await stage.row(cluster)
    assert row.cluster.status is Status.CREATE_COMPLETE
    assert row.cluster.status_reason is None
    assert row.cluster.api_address == "https://127.0.0.1:20000"
    assert (row.cluster.coe_version, row.cluster.observed_generation) == ("v1.34.4", 1)
    assert [(g.status, len(g.node_addresses)) for g in row.groups] == [("CREATE_COMPLETE", 1), ("CREATE_COMPLETE", 2)]
    steps = await stage.store.list_steps(create.uuid)
    assert all(step.ok for step in steps)
    names = [step.name for step in steps]
    assert names[:2] == ["keys", "network"]
    assert sorted(names[2:]) == ["boot"] * 3 + ["coe"] + ["machine"] * 3 + ["marks"]
    assert len(await stage.store.open_resources(cluster.uuid)) == 5


async def test_resize_grows_shrinks_and_removes_the_named_node(stage: Stage) -> None:
    cluster, create = await stage.add()
    await stage.run(create)
    assert (await stage.run(await stage.ask_resize(cluster, 4))).state is OperationState.SUCCEEDED
    machines = await stage.provider.list_machines(cluster.uuid)
    assert sorted(m.index for m in machines if m.group == "default-worker") == [0, 1, 2, 3]
    named = next(m.name for m in machines if m.group == "default-worker" and m.index == 1)
    await stage.run(await stage.ask_resize(cluster, 3, (named,)))
    machines = await stage.provider.list_machines(cluster.uuid)
    assert sorted(m.index for m in machines if m.group == "default-worker") == [0, 2, 3]
    row = await stage.row(cluster)
    assert (row.cluster.status, row.cluster.observed_generation) == (Status.UPDATE_COMPLETE, 3)
    assert len(row.groups[1].node_addresses) == 3


async def test_delete_leaves_nothing_and_keeps_the_story(stage: Stage) -> None:
    cluster, create = await stage.add()
    await stage.run(create)
    delete = await stage.ask_delete(cluster)
    assert (await stage.run(delete)).state is OperationState.SUCCEEDED
    assert await stage.store.load(cluster.uuid) is None
    assert await stage.provider.list_resources() == []
    assert await stage.store.open_resources(cluster.uuid) == []
    [_, report] = await stage.store.list_steps(delete.uuid)
    slug = f"demo-{cluster.uuid[:8]}"
    names = [f"{slug}-default-master-0", f"{slug}-default-worker-0", f"{slug}-default-worker-1"]
    assert report.message == (f"deleted: 1 endpoint (20000), 3 machines ({', '.join(names)}), 1 network ({slug})")
    lines = ["endpoint 20000", *(f"machine {name}" for name in names), f"network {slug} (id net-{cluster.uuid})"]
    assert report.log == "\n".join(lines)


async def test_a_fault_that_passes_is_tried_again(stage: Stage) -> None:
    shaky = with_faults(
        stage, Fault("ensure_machine", "unavailable", times=2), Fault("ensure_network", "unavailable", times=1)
    )
    _, create = await shaky.add()
    assert (await shaky.run(create)).state is OperationState.SUCCEEDED
    failed = [s for s in await stage.store.list_steps(create.uuid) if not s.ok]
    assert {(s.name, s.error_class) for s in failed} == {
        ("network", ErrorClass.TRANSIENT),
        ("machine", ErrorClass.TRANSIENT),
    }


async def test_a_cloud_that_is_away_for_long_is_no_machine_that_does_not_stay_up(stage: Stage) -> None:
    away = with_faults(stage, Fault("ensure_machine", "unavailable", "*worker-0", times=3))
    _, create = await away.add()
    done = await away.run(create)
    assert (done.state, done.error) == (OperationState.SUCCEEDED, None)


async def test_a_refusal_ends_the_operation_with_the_reason_and_delete_still_works(stage: Stage) -> None:
    refused = with_faults(stage, Fault("ensure_machine", "refuse", "*worker-1", "no valid host was found"))
    cluster, create = await refused.add()
    done = await refused.run(create)
    assert (done.state, done.error, done.error_class) == (
        OperationState.FAILED,
        "no valid host was found",
        ErrorClass.OPERATOR,
    )
    row = await refused.row(cluster)
    assert (row.cluster.status, row.cluster.status_reason) == (Status.CREATE_FAILED, "no valid host was found")
    assert (await refused.run(await refused.ask_delete(cluster))).state is OperationState.SUCCEEDED
    assert await refused.provider.list_resources() == []


async def test_a_node_whose_bootstrap_fails_is_named_and_its_console_kept(stage: Stage) -> None:
    broken = with_faults(stage, Fault("ensure_machine", "boot_fail", "*worker-0", "exit code 1: no such image"))
    cluster, create = await broken.add()
    done = await broken.run(create)
    assert done.state is OperationState.FAILED
    assert done.error is not None
    assert done.error.endswith("default-worker-0: bootstrap step join failed: exit code 1: no such image")
    [failed] = [s for s in await stage.store.list_steps(create.uuid) if s.name == "boot" and s.log]
    assert "JEROBOAM/1 failed join exit code 1: no such image" in (failed.log or "")
    assert (await broken.row(cluster)).cluster.status_reason == f"{done.error}. {done.hint}"


async def test_a_node_that_never_gets_ready_runs_into_the_steps_deadline(stage: Stage) -> None:
    sick = replace(stage, driver=FakeDriver(unhealthy="*worker-1"))
    _, create = await sick.add()
    done = await sick.run(create)
    assert done.state is OperationState.FAILED
    assert done.error is not None
    assert "1 of 3 nodes not ready" in done.error
    assert "NotReady by the settings" in done.error


async def test_a_node_that_never_boots_runs_into_the_steps_deadline(stage: Stage) -> None:
    slow = replace(
        stage,
        provider=FakeProvider(Cloud(), boot_s=3600),
        limits=replace(QUICK, boot=timedelta(seconds=0.3)),
    )
    _, create = await slow.add()
    done = await slow.run(create)
    assert done.error is not None
    assert "did not finish its bootstrap within 0.005 minutes; it stands at join" in done.error


async def test_a_delete_in_the_middle_of_a_create_stops_it_and_wins(stage: Stage) -> None:
    slow = replace(stage, provider=FakeProvider(Cloud(), boot_s=3600))
    cluster, create = await slow.add()
    begun = await stage.store.begin_operation(create.uuid)  # another conductor had begun it
    assert begun is not None
    delete = await slow.ask_delete(cluster)
    assert (await slow.run(create)).state is OperationState.CANCELLED
    assert (await slow.run(delete)).state is OperationState.SUCCEEDED
    assert await slow.provider.list_resources() == []


async def test_a_driver_that_is_not_loaded_is_an_operators_error(stage: Stage) -> None:
    _, create = await stage.add()
    done = await replace(stage, driver=FakeDriver(name="another")).run(create)
    assert (done.state, done.error) == (OperationState.FAILED, "Driver fake is not loaded.")


async def test_an_error_of_our_own_is_an_incident_and_not_a_hang(stage: Stage) -> None:
    _, create = await stage.add()
    done = await replace(stage, driver=Broken()).run(create)
    assert (done.state, done.error_class) == (OperationState.FAILED, ErrorClass.BUG)
    assert done.error is not None
    assert done.error.startswith("An error of Jeroboam's own stopped the operation (incident ")
    assert "secret detail" not in done.error


class Broken(FakeDriver):
    async def health(self, access: object, expected: object) -> CoeHealth:
        raise ZeroDivisionError("secret detail")


async def test_the_create_timeout_of_the_tenant_ends_it(stage: Stage) -> None:
    slow = replace(stage, provider=FakeProvider(Cloud(), boot_s=3600), clock=Hurried())
    _, create = await slow.add(create_timeout_min=1)
    done = await slow.run(create)
    assert done.error is not None
    assert done.error.startswith("create did not finish within its time limit; still missing: ")


class Hurried:
    """A clock on which every look is twenty seconds later."""

    def __init__(self) -> None:
        self._now = SystemClock().now()

    def now(self) -> datetime:
        self._now += timedelta(seconds=20)
        return self._now


async def test_at_the_time_limit_every_node_that_still_boots_tells_of_itself(stage: Stage) -> None:
    slow = replace(stage, provider=FakeProvider(Cloud(), boot_s=3600))
    cluster = builders.cluster()
    await builders.keep_template(slow.store, cluster, cluster.template_uuid)
    create = replace(builders.operation(cluster), deadline_at=SystemClock().now() + timedelta(seconds=4))
    await builders.keep(slow.store, cluster, create)
    done = await slow.run(create)
    assert (done.state, done.error_class) == (OperationState.FAILED, ErrorClass.OPERATOR)
    assert done.error is not None
    assert done.error.startswith(
        "create did not finish within its time limit; still missing: 0 of 3 nodes booted; demo-"
    )
    assert done.error.endswith("-default-master-0: join.")
    boots = [step for step in await slow.store.list_steps(create.uuid) if step.name == "boot"]
    assert len(boots) == 3
    for step in boots:
        message = f"{step.target} had not finished its bootstrap when the time was up; it stands at join."
        assert (step.ok, step.message) == (False, message)
        assert step.log is not None
        assert "JEROBOAM/1 step join" in step.log
