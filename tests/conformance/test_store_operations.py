"""What is asked for and what comes of it, in the store: operations, their timeline, ledger and secrets."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
import sqlalchemy.ext.asyncio
from tests.conformance.store_use import KEY, add, plain_engine

from jeroboam.contracts import Figures, GroupStatus, StatusChange
from jeroboam.domain import (
    ErrorClass,
    OperationKind,
    OperationState,
    Resource,
    Status,
    Step,
)
from jeroboam.domain.errors import (
    Conflict,
    LeaseLost,
    NotFound,
)
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders
from jeroboam.testing.builders import ManualClock


async def test_an_operation_is_begun_under_a_new_fence_each_time(store: SqlStore) -> None:
    cluster, operation = await add(store)
    assert [o.uuid for o in await store.runnable_operations(10)] == [operation]
    begun = await store.begin_operation(operation)
    assert begun is not None
    assert begun[0].state is OperationState.RUNNING
    again = await store.begin_operation(operation)
    assert again is not None
    assert again[1] == begun[1] + 1
    assert again[0].started_at == begun[0].started_at
    with pytest.raises(LeaseLost):
        await store.write_status(cluster, begun[1], StatusChange(status_reason="old"))
    with pytest.raises(LeaseLost):
        await store.open_resource(Resource(cluster, "machine", "m"), begun[1])
    with pytest.raises(LeaseLost):
        await store.finish_operation(operation, begun[1], OperationState.FAILED)
    assert await store.open_resources(cluster) == []


async def test_an_operation_that_ends_while_another_process_takes_it_up_stays_ended(url: str, store: SqlStore) -> None:
    cluster, operation = await add(store)
    assert await store.begin_operation(operation) is not None
    with plain_engine(url).connect() as other:
        ours = {"cluster": cluster, "operation": operation}
        other.execute(sa.text("UPDATE clusters SET fence = fence WHERE uuid = :cluster"), ours)
        taking = asyncio.create_task(store.begin_operation(operation))
        await asyncio.sleep(0.3)
        assert not taking.done()
        other.execute(sa.text("UPDATE operations SET state = 'failed' WHERE uuid = :operation"), ours)
        other.commit()
    assert await taking is None
    kept = await store.get_operation(operation)
    assert kept is not None
    assert kept.state is OperationState.FAILED


async def test_finishing_writes_status_and_outcome_together(store: SqlStore) -> None:
    cluster, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    row = await store.load(cluster)
    assert row is not None
    change = StatusChange(
        status=Status.CREATE_COMPLETE,
        groups={row.groups[1].uuid: GroupStatus(Status.CREATE_COMPLETE, node_addresses=("10.0.0.2",))},
    )
    await store.finish_operation(operation, begun[1], OperationState.SUCCEEDED, change=change)
    after = await store.load(cluster)
    assert after is not None
    assert after.cluster.status is Status.CREATE_COMPLETE
    assert after.groups[1].node_addresses == ("10.0.0.2",)
    assert await store.runnable_operations(10) == []
    assert await store.begin_operation(operation) is None


async def test_delete_supersedes_what_waits_and_stops_what_runs(store: SqlStore) -> None:
    cluster, create = await add(store)
    await store.begin_operation(create)
    row = await store.load(cluster)
    assert row is not None
    change = builders.operation(row.cluster, OperationKind.UPDATE)
    await store.request_change(
        cluster, [replace(row.groups[1], node_count=5)], change, status=Status.UPDATE_IN_PROGRESS
    )
    delete = builders.operation(row.cluster, OperationKind.DELETE)
    await store.request_delete(cluster, delete)
    await store.request_delete(
        cluster, builders.operation(row.cluster, OperationKind.DELETE)
    )  # repeated: changes nothing
    states = {o.uuid: o.state for o in await store.list_operations(cluster)}
    assert states == {
        create: OperationState.RUNNING,
        change.uuid: OperationState.SUPERSEDED,
        delete.uuid: OperationState.QUEUED,
    }
    assert await store.cancel_requested(create)
    assert [o.uuid for o in await store.runnable_operations(10)] == [create]
    begun = await store.begin_operation(create)
    assert begun is not None
    await store.finish_operation(create, begun[1], OperationState.CANCELLED)
    assert [o.uuid for o in await store.runnable_operations(10)] == [delete.uuid]
    with pytest.raises(Conflict, match="is being deleted"):
        await store.request_change(cluster, [], change, status=Status.UPDATE_IN_PROGRESS)


async def test_a_delete_asked_for_again_leaves_its_progress_as_it_is(store: SqlStore, clock: ManualClock) -> None:
    cluster, create = await add(store)
    begun = await store.begin_operation(create)
    assert begun is not None
    await store.finish_operation(create, begun[1], OperationState.SUCCEEDED)
    row = await store.load(cluster)
    assert row is not None
    delete = builders.operation(row.cluster, OperationKind.DELETE)
    await store.request_delete(cluster, delete)
    running = await store.begin_operation(delete.uuid)
    assert running is not None
    await store.write_status(cluster, running[1], StatusChange(status_reason="machines: 2 of 3 are gone"))
    before = await store.load(cluster)
    clock.advance(10)
    await store.request_delete(cluster, builders.operation(row.cluster, OperationKind.DELETE))
    assert before is not None
    assert before.cluster.status_reason == "machines: 2 of 3 are gone"
    assert await store.load(cluster) == before


async def test_a_cancelled_operation_that_waits_ends_at_once_and_the_count_goes_back(
    store: SqlStore, clock: ManualClock
) -> None:
    cluster, create = await add(store)
    await store.begin_operation(create)
    row = await store.load(cluster)
    assert row is not None
    workers = row.groups[1]
    resize = replace(builders.operation(row.cluster, OperationKind.RESIZE), details={"counts": {workers.uuid: 2}})
    wish = [replace(workers, node_count=5)]
    assert await store.request_change(cluster, wish, resize, status=Status.CREATE_IN_PROGRESS)
    running = await store.request_cancel(create, "req-7")
    assert (running.state, running.cancel_requested) == (OperationState.RUNNING, True)
    assert running.details == {"cancelled_by": "req-7"}
    assert await store.request_cancel(create, "req-8") == running
    gone = await store.request_cancel(resize.uuid, "req-9")
    assert (gone.state, gone.error) == (OperationState.CANCELLED, "Not begun: cancelled by request req-9.")
    assert gone.finished_at == clock.time
    row = await store.load(cluster)
    assert row is not None
    assert row.groups[1].node_count == 2
    with pytest.raises(Conflict, match="is over: it was cancelled"):
        await store.request_cancel(resize.uuid, "req-10")
    with pytest.raises(NotFound, match=r"^Operation 0b6e8f0e-0000-4000-8000-000000000000 could not be found\.$"):
        await store.request_cancel("0b6e8f0e-0000-4000-8000-000000000000", "req-11")


async def test_a_cancelled_operation_that_is_the_first_of_the_queue_is_left_to_a_conductor(store: SqlStore) -> None:
    cluster, create = await add(store)
    row = await store.load(cluster)
    assert row is not None
    resize = replace(builders.operation(row.cluster, OperationKind.RESIZE), details={})
    wish = [replace(row.groups[1], node_count=5)]
    assert await store.request_change(cluster, wish, resize, status=Status.CREATE_IN_PROGRESS)
    asked = await store.request_cancel(create, "req-7")
    assert (asked.state, asked.cancel_requested) == (OperationState.QUEUED, True)
    behind = await store.request_cancel(resize.uuid, "req-8")
    assert behind.state is OperationState.CANCELLED
    assert await store.request_cancel(create, "req-9") == asked


async def test_figures_count_operations_and_clusters(store: SqlStore, clock: ManualClock) -> None:
    assert await store.figures() == Figures({}, None, {}, 0)
    _, first = await add(store, name="first")
    begun = await store.begin_operation(first)
    assert begun is not None
    failed = StatusChange(status=Status.CREATE_FAILED)
    await store.finish_operation(first, begun[1], OperationState.FAILED, change=failed, error_class=ErrorClass.USER)
    clock.advance(5)
    waiting_since = clock.time
    await add(store, name="second")
    clock.advance(5)
    await add(store, name="third")
    await store.take_lease("one", "host-1")
    assert await store.figures() == Figures(
        operations={("create", "failed", "user"): 1, ("create", "queued", ""): 2},
        oldest_queued_at=waiting_since,
        clusters={"CREATE_FAILED": 1, "CREATE_IN_PROGRESS": 2},
        events=0,
        beaten_at=(clock.time,),
    )


async def test_a_cancel_and_an_end_at_once_never_both_count(url: str, clock: ManualClock) -> None:
    stores = [SqlStore(url, Sealer(KEY), clock) for _ in range(2)]
    for one in stores:
        await one.start()
    try:
        for _ in range(5):
            cluster, create = await add(stores[0])
            begun = await stores[0].begin_operation(create)
            assert begun is not None
            ends = await asyncio.gather(
                stores[0].finish_operation(create, begun[1], OperationState.SUCCEEDED),
                stores[1].request_cancel(create, "req-7"),
                return_exceptions=True,
            )
            assert ends[0] is None
            kept = await stores[0].get_operation(create)
            assert kept is not None
            assert (kept.state, kept.cancel_requested) == (OperationState.SUCCEEDED, not isinstance(ends[1], Conflict))
            assert await stores[0].load(cluster) is not None
    finally:
        for one in stores:
            await one.stop()


async def test_a_removed_cluster_leaves_only_its_story(store: SqlStore) -> None:
    cluster, _ = await add(store)
    await store.put_secrets(cluster, {"a": b"1"})
    row = await store.load(cluster)
    assert row is not None
    delete = builders.operation(row.cluster, OperationKind.DELETE)
    await store.request_delete(cluster, delete)
    begun = await store.begin_operation(delete.uuid)
    assert begun is not None
    await store.remove_cluster(cluster, begun[1], delete.uuid)
    assert await store.load(cluster) is None
    assert await store.get_secrets(cluster) == {}
    done = await store.get_operation(delete.uuid)
    assert done is not None
    assert done.state is OperationState.SUCCEEDED


async def test_what_is_recorded_of_clusters_is_told_for_many_at_once(store: SqlStore) -> None:
    kept, _ = await add(store)
    gone, _ = await add(store, name="gone")
    delete = builders.operation(builders.cluster(uuid=gone), OperationKind.DELETE)
    await store.request_delete(gone, delete)
    begun = await store.begin_operation(delete.uuid)
    assert begun is not None
    await store.remove_cluster(gone, begun[1], delete.uuid)
    nobody = "0b6e8f0e-0000-4000-8000-000000000000"
    assert await store.recorded([kept, gone, nobody]) == {kept: True, gone: False}
    assert await store.recorded([]) == {}
    assert await store.projects_of([kept, gone, nobody]) == {kept: builders.PROJECT}
    assert await store.projects_of([]) == {}


async def test_timeline_rows_open_and_close(store: SqlStore, clock: ManualClock) -> None:
    _, operation = await add(store)
    row = await store.open_step(Step(operation, "machine", "w-0", 1, clock.now()))
    await store.close_step(row, ok=False, message="no", hint="try")
    [step] = await store.list_steps(operation)
    assert (step.ok, step.message, step.hint, step.ended_at) == (False, "no", "try", clock.now())
    assert await store.list_steps(operation, after_id=row) == []


async def test_the_ledger_is_opened_once_and_closed(store: SqlStore) -> None:
    cluster, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    for _ in range(2):
        await store.open_resource(Resource(cluster, "machine", "w-0"), begun[1])
    await store.open_resource(Resource(cluster, "network", "n"), begun[1])
    await store.close_resources(cluster, begun[1], [("machine", "w-0")])
    assert [(r.kind, r.name) for r in await store.open_resources(cluster)] == [("network", "n")]
    await store.close_resources(cluster, begun[1])
    assert await store.open_resources(cluster) == []


async def test_what_a_deletion_found_is_in_the_ledger_with_the_providers_ids(store: SqlStore) -> None:
    cluster, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    await store.open_resource(Resource(cluster, "network", "n"), begun[1])
    found = [Resource(cluster, "network", "n", "id-1"), Resource(cluster, "volume", "v", "id-2")]
    for _ in range(2):
        await store.note_found(cluster, begun[1], found)
    kept = await store.open_resources(cluster)
    assert [(r.kind, r.name, r.provider_id) for r in kept] == [("network", "n", "id-1"), ("volume", "v", "id-2")]
    await store.note_found(cluster, begun[1], [])
    with pytest.raises(LeaseLost):
        await store.note_found(cluster, begun[1] - 1, found)


async def test_the_ledger_of_what_was_left_behind_is_closed_only_when_the_cluster_is_gone(store: SqlStore) -> None:
    cluster, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    await store.open_resource(Resource(cluster, "network", "n"), begun[1])
    await store.close_ledger(cluster)
    assert len(await store.open_resources(cluster)) == 1
    delete = builders.operation(builders.cluster(uuid=cluster), OperationKind.DELETE)
    await store.request_delete(cluster, delete)
    begun = await store.begin_operation(delete.uuid)
    assert begun is not None
    await store.remove_cluster(cluster, begun[1], delete.uuid)
    assert len(await store.open_resources(cluster)) == 1
    await store.close_ledger(cluster)
    assert await store.open_resources(cluster) == []


async def test_a_forced_deletion_takes_the_place_of_another_and_none_takes_its(store: SqlStore) -> None:
    cluster, _ = await add(store)
    plain, again = (builders.operation(builders.cluster(uuid=cluster), OperationKind.DELETE) for _ in range(2))
    force = replace(builders.operation(builders.cluster(uuid=cluster), OperationKind.DELETE), details={"forced": True})
    assert (await store.request_delete(cluster, plain)).uuid == plain.uuid
    assert (await store.request_delete(cluster, again)).uuid == plain.uuid
    assert (await store.request_delete(cluster, force)).uuid == force.uuid
    assert (await store.request_delete(cluster, again)).uuid == force.uuid
    assert [one.uuid for one in await store.runnable_operations(10)] == [force.uuid]


async def test_a_row_tells_while_it_is_open_and_not_afterwards(store: SqlStore, clock: ManualClock) -> None:
    _, operation = await add(store)
    row = await store.open_step(Step(operation, "boot", "w-0", 1, clock.now()))
    await store.note_step(row, "no progress")
    assert [step.message for step in await store.list_steps(operation)] == ["no progress"]
    await store.close_step(row, ok=True)
    await store.note_step(row, "too late")
    assert [step.message for step in await store.list_steps(operation)] == [""]


async def test_secrets_are_sealed_and_the_first_writer_wins(url: str, store: SqlStore, tmp_path: Path) -> None:
    cluster, _ = await add(store)
    assert await store.put_secrets(cluster, {"a": b"first"}) == {"a": b"first"}
    assert await store.put_secrets(cluster, {"a": b"second", "b": b"2"}) == {"a": b"first", "b": b"2"}
    with plain_engine(url).connect() as connection:
        kept = connection.execute(sa.text("SELECT name, sealed FROM secrets ORDER BY name")).all()
    assert [(name, Sealer(KEY).open(cluster, name, bytes(sealed))) for name, sealed in kept] == [
        ("a", b"first"),
        ("b", b"2"),
    ]
    assert all(b"first" not in bytes(sealed) for _, sealed in kept)
    for file in tmp_path.glob("store.sqlite*"):
        assert b"first" not in file.read_bytes()


async def test_a_long_queue_of_one_project_hides_no_other(store: SqlStore, clock: ManualClock) -> None:
    many = [(await add(store, name=f"m{number}", project_id="many"))[1] for number in range(6)]
    clock.advance(10)
    few = [(await add(store, name=f"f{number}", project_id="few"))[1] for number in range(2)]
    begun = await store.begin_operation(many[0])
    assert begun is not None
    assert [one.uuid for one in await store.runnable_operations(5)] == [many[0], few[0], many[1], few[1], many[2]]
    since = await store.runnable_operations(5, since=begun[0].created_at)
    assert [one.uuid for one in since] == few
