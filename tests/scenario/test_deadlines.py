"""What does not answer is told of and cut; a deletion ends; what does not move says so long before its deadline."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

import jeroboam.reconcile
from jeroboam.contracts import Image, Machine
from jeroboam.domain import Cluster, ErrorClass, Operation, OperationState, Status, Step
from jeroboam.domain.errors import ProviderRefused
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeCatalogue, FakeProvider, Fault
from jeroboam.testing.stage import QUICK, Stage

GIVE_UP = (
    "Delete the cluster again once the provider lets go of it; an administrator may leave it behind with "
    "`jeroboam cluster delete --force`."
)


def troubled(stage: Stage, *faults: Fault, boot_s: float = 0, call_s: float = 0.4, **limits: float) -> Stage:
    """Limits in seconds."""
    asked = {name: timedelta(seconds=value) for name, value in {"silence": 0.1, **limits, "call": call_s}.items()}
    provider = FakeProvider(Cloud(faults=list(faults)), boot_s=boot_s)
    return replace(stage, provider=provider, limits=replace(QUICK, **asked))  # type: ignore[arg-type]


@asynccontextmanager
async def running(stage: Stage, operation: Operation) -> AsyncIterator["asyncio.Task[Operation]"]:
    task = asyncio.create_task(stage.run(operation))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def seen(stage: Stage, operation: Operation, fits: Callable[[Step], bool]) -> Step:
    """The first row of the timeline that fits, as soon as there is one."""
    async with asyncio.timeout(60):
        while True:
            found = [step for step in await stage.store.list_steps(operation.uuid) if fits(step)]
            if found:
                return found[0]
            await asyncio.sleep(0.02)


async def told(stage: Stage, cluster: Cluster, pattern: str) -> str:
    """The cluster's status_reason, as soon as it begins like that."""
    async with asyncio.timeout(60):
        while True:
            reason = (await stage.row(cluster)).cluster.status_reason or ""
            if re.match(pattern, reason):
                return reason
            await asyncio.sleep(0.02)


async def test_a_call_that_does_not_answer_is_cut_and_tried_again(stage: Stage) -> None:
    hung = troubled(stage, Fault("ensure_network", "hang", times=1))
    cluster, create = await hung.add()
    assert (await hung.run(create)).state is OperationState.SUCCEEDED
    [cut] = [step for step in await stage.store.list_steps(create.uuid) if not step.ok]
    assert (cut.name, cut.error_class) == ("network", ErrorClass.TRANSIENT)
    assert cut.message == "fake did not answer within 0.4 s, so the call was cut: ensure_network."
    assert (await stage.row(cluster)).cluster.status_reason is None


@dataclass(frozen=True)
class SlowCatalogue(FakeCatalogue):
    """Takes longer to find an image than silence lasts."""

    asked: list[str] = field(default_factory=list)

    async def find_images(self, project_id: str, ident: str) -> Sequence[Image]:
        self.asked.append(ident)
        await asyncio.sleep(0.3)
        return await super().find_images(project_id, ident)


async def test_machines_made_at_once_share_the_look_for_their_image_and_its_row(stage: Stage) -> None:
    catalogue = SlowCatalogue()
    slow = replace(troubled(stage, call_s=20), provider=FakeProvider(Cloud(), boot_s=0, catalogue=catalogue))
    _, create = await slow.add(workers=3)
    assert (await slow.run(create)).state is OperationState.SUCCEEDED
    looks = [step for step in await stage.store.list_steps(create.uuid) if step.name == "call"]
    assert [(step.target, step.ok) for step in looks] == [("find_images fake-image", True)]
    assert catalogue.asked == ["fake-image"]


async def test_a_look_that_hangs_has_a_row_of_its_own(stage: Stage) -> None:
    hung = troubled(stage, Fault("list_machines", "hang", times=1))
    _, create = await hung.add()
    assert (await hung.run(create)).state is OperationState.SUCCEEDED
    [cut] = [step for step in await stage.store.list_steps(create.uuid) if not step.ok]
    assert (cut.name, cut.target) == ("call", "list_machines")


async def test_a_look_that_took_long_and_failed_leaves_no_row_open(stage: Stage) -> None:
    hung = troubled(stage, call_s=60)
    late = Late(hung.provider.cloud, boot_s=0)  # type: ignore[attr-defined]
    _, create = await replace(hung, provider=late).add()
    assert (await replace(hung, provider=late).run(create)).state is OperationState.FAILED
    [call] = [step for step in await stage.store.list_steps(create.uuid) if step.name == "call"]
    assert (call.ok, call.message) == (False, "no such project")


class Late(FakeProvider):
    async def list_machines(self, cluster_uuid: str) -> Sequence[Machine]:
        await asyncio.sleep(0.5)
        raise ProviderRefused("no such project")


async def test_a_call_that_hangs_is_told_and_a_cancel_does_not_wait_for_it(stage: Stage) -> None:
    hung = troubled(stage, Fault("ensure_machine", "hang", "*worker-1"), call_s=600)
    cluster, create = await hung.add()
    async with running(hung, create) as task:
        silent = r"fake has not answered for [\d.]+ s: ensure_machine demo-\S+-default-worker-1"
        row = await seen(hung, create, lambda step: step.message != "")
        assert (row.name, row.target[-8:], row.ended_at) == ("machine", "worker-1", None)
        assert re.fullmatch(silent, row.message)
        await told(hung, cluster, f"{silent}$")
        await stage.store.request_cancel(create.uuid, "req-9")
        async with asyncio.timeout(60):
            done = await task
    assert (done.state, done.error) == (OperationState.CANCELLED, "Stopped: cancelled by request req-9.")


@pytest.mark.parametrize("effect", ["hang", "unavailable"])
async def test_a_deletion_ends_at_its_deadline_with_what_is_left_and_the_next_move(stage: Stage, effect: str) -> None:
    stuck = troubled(stage, Fault("delete_all", effect, message="the cloud is away"), call_s=0.2, delete=0.3)  # type: ignore[arg-type]
    cluster, create = await stuck.add(workers=0)
    await stuck.run(create)
    done = await stuck.run(await stuck.ask_delete(cluster))
    slug = f"demo-{cluster.uuid[:8]}"
    left = f"machine {slug}-default-master-0, endpoint 20000, network {slug} (id net-{cluster.uuid})"
    last = (
        "the cloud is away"
        if effect == "unavailable"
        else "fake did not answer within 0.2 s, so the call was cut: delete_all"
    )
    assert done.error == f"delete did not finish within 0.3 s; left: {left}; at last: {last}."
    assert (done.error_class, done.hint) == (ErrorClass.OPERATOR, GIVE_UP)
    row = (await stage.row(cluster)).cluster
    assert (row.status, row.status_reason) == (Status.DELETE_FAILED, f"{done.error} {GIVE_UP}")


async def test_of_a_provider_that_never_answered_the_ledger_tells_what_is_left(stage: Stage) -> None:
    stuck = troubled(stage, Fault("list_resources", "hang"), call_s=0.2, delete=0.3)
    cluster, create = await stuck.add(workers=0)
    await stuck.run(create)
    done = await stuck.run(await stuck.ask_delete(cluster))
    slug = f"demo-{cluster.uuid[:8]}"
    assert done.error is not None
    assert (
        f"; left: network {slug}, endpoint {slug}, machine {slug}-default-master-0; at last: fake did not" in done.error
    )


async def test_a_refusal_to_delete_says_what_is_left_and_the_next_move(stage: Stage) -> None:
    refused = troubled(stage, Fault("delete_all", "refuse", message="the project is locked"))
    cluster, create = await refused.add(workers=0)
    await refused.run(create)
    done = await refused.run(await refused.ask_delete(cluster))
    assert done.error is not None
    assert done.error.startswith("the project is locked; left: machine demo-")
    assert done.hint == GIVE_UP
    again = replace(refused, provider=FakeProvider(refused.provider.cloud, boot_s=0))  # type: ignore[attr-defined]
    again.provider.cloud._faults.clear()  # type: ignore[attr-defined]
    assert (await again.run(await again.ask_delete(cluster))).state is OperationState.SUCCEEDED


async def test_a_node_whose_console_does_not_move_says_so_before_its_deadline(stage: Stage) -> None:
    slow = troubled(stage, boot_s=3600, boot=60)
    cluster, create = await slow.add()
    async with running(slow, create):
        row = await seen(slow, create, lambda step: step.message != "")
        assert row.name == "boot"
        assert re.fullmatch(r"no progress for [\d.]+ s: last line: JEROBOAM/1 step join", row.message)
        silent = r"-\d: join; no progress for [\d.]+ s: last line: JEROBOAM/1 step join$"
        await told(slow, cluster, r"0 of 3 nodes booted; demo-\S*" + silent)


async def test_a_cluster_that_says_the_same_for_long_says_so_before_its_deadline(stage: Stage) -> None:
    sick = replace(troubled(stage, coe=60), driver=FakeDriver(unhealthy="*worker-1"))
    cluster, create = await sick.add()
    async with running(sick, create):
        row = await seen(sick, create, lambda step: step.message != "")
        assert row.name == "coe"
        assert re.match(r"no progress for [\d.]+ s: 1 of 3 nodes not ready; demo-", row.message)
        await told(sick, cluster, "no progress for ")


def test_every_call_of_provider_and_driver_is_under_the_watch() -> None:
    folder = Path(jeroboam.reconcile.__file__).parent
    bare = re.compile(r"await (scope\.|self\.)?(provider|driver|part)\.\S*")
    assert [found[0] for file in folder.rglob("*.py") for found in bare.finditer(file.read_text())] == []
