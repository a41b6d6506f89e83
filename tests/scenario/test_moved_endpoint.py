"""A provider whose published port was taken by another before the machine started: the cluster's API is where the machine says."""

from collections.abc import Sequence
from dataclasses import replace

from jeroboam.contracts import Address, Machine
from jeroboam.domain import OperationState, Role
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.testing.stage import Stage


class Elsewhere(FakeProvider):
    """The control plane publishes on another port than the endpoint told."""

    async def list_machines(self, cluster_uuid: str) -> Sequence[Machine]:
        outside = Address("127.0.0.1", 26500)
        seen = await super().list_machines(cluster_uuid)
        return [replace(one, outside=outside) if one.role is Role.CONTROL_PLANE else one for one in seen]


async def test_the_address_follows_and_the_timeline_says_why_without_a_failed_step(stage: Stage) -> None:
    placed = replace(stage, provider=Elsewhere(Cloud(), boot_s=0))
    cluster, create = await placed.add()
    assert (await placed.run(create)).state is OperationState.SUCCEEDED
    assert (await placed.row(cluster)).cluster.api_address == "https://127.0.0.1:26500"
    steps = await placed.store.list_steps(create.uuid)
    assert all(step.ok and step.attempt == 1 for step in steps)
    assert [step.message for step in steps if step.name == "endpoint"] == [
        "The API is published at 127.0.0.1:26500: another had taken 127.0.0.1:20000."
    ]
