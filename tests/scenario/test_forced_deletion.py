"""A forced deletion ends, whatever the provider does, and names what it left behind."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from jeroboam.contracts import FoundResource
from jeroboam.domain import Cluster, ErrorClass, Operation, OperationState, Step
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.providers.fake.gate import OperationFault
from jeroboam.reconcile.turns import Turns
from jeroboam.testing.stage import QUICK, Stage

LIMITS = replace(QUICK, forced=timedelta(seconds=0.6), silence=timedelta(seconds=60))


class Broken(FakeProvider):
    """One of its calls fails in a way of its own."""

    broken = ""

    async def delete_all(self, cluster_uuid: str) -> Sequence[FoundResource]:
        self._stumble("delete_all")
        return await super().delete_all(cluster_uuid)

    async def list_resources(self, cluster_uuid: str | None = None) -> Sequence[FoundResource]:
        self._stumble("list_resources")
        return await super().list_resources(cluster_uuid)

    def _stumble(self, call: str) -> None:
        if call == self.broken:
            raise ZeroDivisionError(call)


def stuck(stage: Stage, *faults: Fault) -> Stage:
    return replace(stage, provider=FakeProvider(Cloud(faults=list(faults)), boot_s=0), limits=LIMITS)


async def forced(stage: Stage) -> tuple[Cluster, Operation, list[Step]]:
    """A cluster of one machine, deleted by force: it, the operation at its end and its timeline."""
    cluster, create = await stage.add(workers=0)
    await stage.run(create)
    done = await stage.run(await stage.ask_delete(cluster, forced=True))
    return cluster, done, list(await stage.store.list_steps(done.uuid))


@pytest.mark.parametrize("effect", ["hang", "unavailable", "refuse"])
async def test_what_a_provider_does_not_give_up_is_named_and_left_behind(stage: Stage, effect: str) -> None:
    world = stuck(stage, Fault("delete_all", effect, message="the project is locked"))  # type: ignore[arg-type]
    cluster, done, steps = await forced(world)
    assert (done.state, done.error) == (OperationState.SUCCEEDED, None)
    assert await stage.store.load(cluster.uuid) is None
    slug = f"demo-{cluster.uuid[:8]}"
    why = (
        "fake did not answer within 0.2 s, so the call was cut: delete_all"
        if effect == "hang"
        else "the project is locked"
    )
    lines = ["endpoint 20000", f"machine {slug}-default-master-0", f"network {slug} (id net-{cluster.uuid})"]
    hint = f"`jeroboam orphans {cluster.uuid} --remove` removes what is left once the provider lets go of it."
    abandoned = {step.target: step for step in steps if step.name == "abandon"}
    assert sorted(abandoned) == ["endpoint 20000", f"machine {slug}-default-master-0", f"network {slug}"]
    assert [abandoned[target].message for target in sorted(abandoned)] == [
        f"{line} is left behind: {why}." for line in lines
    ]
    [report] = [step for step in steps if step.name == "report"]
    names = f"1 endpoint (20000), 1 machine ({slug}-default-master-0), 1 network ({slug})"
    assert report.message == f"deleted: nothing was there; left behind: {names}; {why}."
    assert (report.ok, report.error_class, report.hint, report.log) == (
        False,
        ErrorClass.OPERATOR,
        hint,
        "\n".join(lines),
    )
    assert {step.ended_at is None for step in steps} == {False}
    still = await stage.store.open_resources(cluster.uuid)
    assert sorted(one.kind for one in still) == ["endpoint", "machine", "network"]
    assert len(await world.provider.list_resources(cluster.uuid)) == 3


async def test_a_provider_that_never_answers_is_taken_at_the_ledgers_word(stage: Stage) -> None:
    cluster, done, steps = await forced(
        stuck(stage, Fault("list_resources", "unavailable", message="the cloud is away"))
    )
    assert done.state is OperationState.SUCCEEDED
    [report] = [step for step in steps if step.name == "report"]
    slug = f"demo-{cluster.uuid[:8]}"
    assert report.message == (
        "what was deleted is not known; left behind, as far as is known: "
        f"1 endpoint ({slug}), 1 machine ({slug}-default-master-0), 1 network ({slug}); the cloud is away."
    )


async def test_a_provider_that_comes_back_in_time_leaves_nothing_behind(stage: Stage) -> None:
    world = stuck(stage, Fault("delete_all", "unavailable", times=2))
    patient = replace(world, limits=replace(LIMITS, forced=timedelta(seconds=60)))
    cluster, done, steps = await forced(patient)
    assert done.state is OperationState.SUCCEEDED
    assert [step.ok for step in steps if step.name == "report"] == [True]
    assert await stage.store.open_resources(cluster.uuid) == []


async def test_it_does_not_wait_for_ever_behind_calls_that_hang(stage: Stage) -> None:
    world = replace(stuck(stage), turns=Turns(1))
    cluster, create = await world.add(workers=0)
    await world.run(create)
    async with world.turns.of("somebody else"):
        done = await world.run(await world.ask_delete(cluster, forced=True))
    assert done.state is OperationState.SUCCEEDED
    [report] = [step for step in await stage.store.list_steps(done.uuid) if step.name == "report"]
    assert report.message.endswith(
        "The provider had no turn to give within 0.2 s: all calls that it may get at once are at work."
    )


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("delete_all", "deleted: nothing was there; left behind: "),
        ("list_resources", "what was deleted is not known; left behind, as far as is known: "),
    ],
)
async def test_a_provider_whose_errors_nobody_foresaw_keeps_no_cluster_for_ever(
    stage: Stage, call: str, told: str
) -> None:
    provider = Broken(Cloud(), boot_s=0)
    world = replace(stage, provider=provider, limits=replace(LIMITS, forced=timedelta(seconds=60)))
    cluster, create = await world.add(workers=0)
    await world.run(create)
    provider.broken = call
    with capture_logs() as logs:
        done = await world.run(await world.ask_delete(cluster, forced=True))
    assert (done.state, done.error) == (OperationState.SUCCEEDED, None)
    assert await stage.store.load(cluster.uuid) is None
    steps = await stage.store.list_steps(done.uuid)
    [report] = [step for step in steps if step.name == "report"]
    incidents = [line for line in logs if line["event"] == "incident"]
    assert f"ZeroDivisionError: {call}" in incidents[0]["trace"]
    number = [line["incident"] for line in incidents][2]
    assert report.message.startswith(told)
    assert report.message.endswith(
        f"; An error of Jeroboam's own stopped the deletion at the provider (incident {number})."
    )
    tries = [(step.ok, step.error_class) for step in steps if step.name == "cleanup"]
    assert tries == [(False, ErrorClass.BUG)] * 3
    assert {step.ended_at is None for step in steps} == {False}


async def test_what_went_before_the_rest_was_left_is_told_as_deleted(stage: Stage) -> None:
    world = stuck(stage, Fault("delete_all", "refuse", message="the network is locked"))
    cluster, create = await world.add(workers=0)
    await world.run(create)
    assert (await world.run(await world.ask_delete(cluster))).state is OperationState.FAILED
    await world.provider.delete_machine(cluster.uuid, f"demo-{cluster.uuid[:8]}-default-master-0")
    done = await world.run(await world.ask_delete(cluster, forced=True))
    [report] = [step for step in await stage.store.list_steps(done.uuid) if step.name == "report"]
    assert report.message.startswith(
        f"deleted: 1 machine (demo-{cluster.uuid[:8]}-default-master-0); left behind: 1 endpoint"
    )


async def test_nobodys_leave_is_asked(stage: Stage) -> None:
    provider = FakeProvider(Cloud(), boot_s=0, operation_faults=[OperationFault("fail", operation="delete")])
    world = replace(stage, provider=provider, limits=LIMITS)
    cluster, create = await world.add()
    await world.run(create)
    assert (await world.run(await world.ask_delete(cluster))).state is OperationState.FAILED
    assert (await world.run(await world.ask_delete(cluster, forced=True))).state is OperationState.SUCCEEDED


async def test_it_takes_the_place_of_a_deletion_and_is_not_replaced_by_one(stage: Stage) -> None:
    world = stuck(stage, Fault("delete_all", "unavailable"))
    cluster, create = await world.add(workers=0)
    await world.run(create)
    plain = await world.ask_delete(cluster)
    assert await stage.store.begin_operation(plain.uuid) is not None  # it is at work somewhere
    force = await world.ask_delete(cluster, forced=True)
    assert force.uuid != plain.uuid
    for again in (True, False):
        assert (await world.ask_delete(cluster, forced=again)).uuid == force.uuid
    ended = await world.run(plain)
    assert (ended.state, ended.error) == (OperationState.CANCELLED, "Stopped: a newer request took its place.")
    assert (await world.run(force)).state is OperationState.SUCCEEDED


async def test_it_takes_the_place_of_a_deletion_that_waits(stage: Stage) -> None:
    cluster, _ = await stage.add()
    plain = await stage.ask_delete(cluster)
    await stage.ask_delete(cluster, forced=True)
    found = await stage.store.get_operation(plain.uuid)
    assert found is not None
    assert (found.state, found.error) == (OperationState.SUPERSEDED, "Not begun: a forced deletion took its place.")
