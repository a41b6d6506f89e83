"""A provider that wants a say in operations: it refuses, delays or fails them by cluster and kind."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jeroboam.domain import ErrorClass, OperationKind, OperationState, Status
from jeroboam.domain.errors import ProviderRefused
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.testing.stage import Stage


class Gated(FakeProvider):
    """Lets operations wait, and refuses those of one kind when they begin."""

    def __init__(self, *, wait: timedelta = timedelta(0), fails: OperationKind | None = None) -> None:
        super().__init__(Cloud(), boot_s=0)
        self.wait = wait
        self.fails = fails
        self.asked: list[tuple[str, OperationKind]] = []

    def refuse(self, cluster_name: str, kind: OperationKind) -> str | None:
        return f"No {kind} of {cluster_name}."

    async def enter(self, cluster_name: str, kind: OperationKind, running: timedelta) -> timedelta:
        self.asked.append((cluster_name, kind))
        if kind is self.fails:
            raise ProviderRefused("no valid host was found")
        return self.wait - running


async def test_the_operation_waits_as_long_as_the_gate_says_and_tells_so(stage: Stage) -> None:
    gated = replace(stage, provider=Gated(wait=timedelta(seconds=1)))
    cluster, create = await gated.add()
    done = await gated.run(create)
    assert done.state is OperationState.SUCCEEDED
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.finished_at - done.started_at >= timedelta(seconds=1)
    first, second, *_ = await stage.store.list_steps(create.uuid)
    assert [(first.name, first.ok), second.name] == [("gate", True), "keys"]
    assert gated.provider.asked[0] == (cluster.name, OperationKind.CREATE)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [OperationKind.CREATE, OperationKind.RESIZE, OperationKind.DELETE])
async def test_what_the_gate_raises_ends_the_operation_of_that_kind(stage: Stage, kind: OperationKind) -> None:
    gated = replace(stage, provider=Gated(fails=kind))
    cluster, create = await gated.add()
    ends = {OperationKind.CREATE: await gated.run(create)}
    if kind is not OperationKind.CREATE:
        ends[OperationKind.RESIZE] = await gated.run(await gated.ask_resize(cluster, 3))
    if kind is OperationKind.DELETE:
        ends[OperationKind.DELETE] = await gated.run(await gated.ask_delete(cluster))
    done = ends.pop(kind)
    assert (done.state, done.error, done.error_class) == (
        OperationState.FAILED,
        "no valid host was found",
        ErrorClass.OPERATOR,
    )
    assert {other.state for other in ends.values()} <= {OperationState.SUCCEEDED}
    row = await gated.row(cluster)
    word = "UPDATE" if kind is OperationKind.RESIZE else kind.upper()
    assert (row.cluster.status, row.cluster.status_reason) == (Status(f"{word}_FAILED"), "no valid host was found")
    [step] = [one for one in await stage.store.list_steps(done.uuid) if one.ok is False]
    assert (step.name, step.message) == ("gate", "no valid host was found")
