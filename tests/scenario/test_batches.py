"""A provider that takes many machines at once is asked for all that a pass lacks, and each machine has its own row all the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jeroboam.contracts import Endpoint, Machine, MachineRequest, Network
from jeroboam.domain import OperationState
from jeroboam.domain.errors import JeroboamError, ProviderUnavailable
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.providers.fake.catalogue import FakeCatalogue
from jeroboam.testing.stage import Stage


class BatchProvider(FakeProvider):
    """The fake one, which also takes batches; `away` of them find nobody."""

    def __init__(self, cloud: Cloud, away: int = 0) -> None:
        super().__init__(cloud, boot_s=0)
        self.batches: list[list[str]] = []
        self.away = away

    async def ensure_machines(
        self, requests: Sequence[MachineRequest], network: Network, endpoint: Endpoint
    ) -> Mapping[str, Machine | JeroboamError]:
        self.batches.append(sorted(request.spec.name.partition("-default-")[2] for request in requests))
        if len(self.batches) <= self.away:
            raise ProviderUnavailable("The cloud is away.", after_s=0.01)
        made: dict[str, Machine | JeroboamError] = {}
        for request in requests:
            try:
                made[request.spec.name] = await self.ensure_machine(request.spec, network, endpoint, request.config)
            except JeroboamError as error:
                made[request.spec.name] = error
        return made


async def _rows(stage: Stage, operation: str) -> list[tuple[str, str, bool | None]]:
    steps = await stage.store.list_steps(operation)
    return sorted((step.name, step.target.partition("-default-")[2], step.ok) for step in steps if step.target)


async def test_all_machines_of_a_pass_are_one_call(stage: Stage) -> None:
    provider = BatchProvider(Cloud())
    stage = replace(stage, provider=provider)
    cluster, create = await stage.add()
    assert (await stage.run(create)).state is OperationState.SUCCEEDED
    everyone = ["master-0", "worker-0", "worker-1"]
    assert provider.batches == [everyone]
    assert await _rows(stage, create.uuid) == [(step, name, True) for step in ("boot", "machine") for name in everyone]
    assert len(await stage.store.open_resources(cluster.uuid)) == 5


async def test_one_that_fails_for_a_while_is_asked_for_again_alone(stage: Stage) -> None:
    faults = [Fault("ensure_machine", "unavailable", name="*worker-1", times=1)]
    provider = BatchProvider(Cloud(faults=faults))
    stage = replace(stage, provider=provider)
    _, create = await stage.add()
    assert (await stage.run(create)).state is OperationState.SUCCEEDED
    assert provider.batches == [["master-0", "worker-0", "worker-1"], ["worker-1"]]
    rows = await _rows(stage, create.uuid)
    assert [row for row in rows if row[1] == "worker-1"] == [
        ("boot", "worker-1", True),
        ("machine", "worker-1", False),
        ("machine", "worker-1", True),
    ]
    assert ("machine", "worker-0", False) not in rows


async def test_a_cloud_that_is_away_is_told_of_every_machine(stage: Stage) -> None:
    provider = BatchProvider(Cloud(), away=1)
    stage = replace(stage, provider=provider)
    _, create = await stage.add()
    assert (await stage.run(create)).state is OperationState.SUCCEEDED
    assert len(provider.batches) == 2
    rows = await _rows(stage, create.uuid)
    assert [name for step, name, ok in rows if step == "machine" and not ok] == ["master-0", "worker-0", "worker-1"]


async def test_an_image_that_is_gone_ends_the_operation_before_anything_is_asked(stage: Stage) -> None:
    provider = BatchProvider(Cloud())
    stage = replace(stage, provider=provider)
    _, create = await stage.add()
    provider.catalogue = FakeCatalogue(image_list=())
    done = await stage.run(create)
    assert done.state is OperationState.FAILED
    assert "Image fake-image could not be found" in (done.error or "")
    assert provider.batches == []
    assert [ok for step, _, ok in await _rows(stage, create.uuid) if step == "machine"] == [False] * 3


class LateProvider(BatchProvider):
    """Loses the first worker as soon as that has booted, and makes it anew slower than its call may take."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.lost = False

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        said = await super().console_log(cluster_uuid, name, lines=lines)
        if name.endswith("worker-1") and len(self.batches) < 2:  # the operation has to go on meanwhile
            return ""
        if name.endswith("worker-0") and not self.lost:
            self.lost = True
            self.cloud.books.remove(name)
        return said

    async def ensure_machines(
        self, requests: Sequence[MachineRequest], network: Network, endpoint: Endpoint
    ) -> Mapping[str, Machine | JeroboamError]:
        made = await super().ensure_machines(requests, network, endpoint)
        late = ProviderUnavailable("It is still being made.", after_s=0.01)
        return dict.fromkeys(made, late) if self.lost else made


async def test_a_node_made_anew_by_a_call_that_failed_is_seen_to_boot_again(stage: Stage) -> None:
    provider = LateProvider(Cloud())
    stage = replace(stage, provider=provider)
    _, create = await stage.add()
    assert (await stage.run(create)).state is OperationState.SUCCEEDED
    assert provider.batches == [["master-0", "worker-0", "worker-1"], ["worker-0"]]
    rows = await _rows(stage, create.uuid)
    assert [(step, ok) for step, name, ok in rows if name == "worker-0"] == [
        ("boot", True),
        ("boot", True),
        ("machine", False),
        ("machine", True),
    ]
