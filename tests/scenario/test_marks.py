"""Labels and taints of node groups reach the nodes that are there already, and a driver without the ability is not asked."""

from dataclasses import replace

from jeroboam.contracts import NodeMark
from jeroboam.domain import NodeGroup, OperationKind, OperationState, Status
from jeroboam.drivers.fake import FakeDriver
from jeroboam.testing import builders
from jeroboam.testing.stage import Stage

GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


class Plain(FakeDriver):
    """A tool that knows no labels of nodes."""

    mark = None  # type: ignore[assignment]


async def change(stage: Stage, group: NodeGroup) -> OperationState:
    operation = builders.operation((await stage.store.load(group.cluster_uuid)).cluster, OperationKind.NODEGROUP_UPDATE)  # type: ignore[union-attr]
    changed = replace(group, status=Status.UPDATE_IN_PROGRESS)
    await stage.store.request_change(group.cluster_uuid, [changed], operation, status=Status.UPDATE_IN_PROGRESS)
    return (await stage.run(operation)).state


async def test_a_change_of_a_groups_labels_and_taints_reaches_its_nodes(stage: Stage) -> None:
    driver = FakeDriver()
    stage = replace(stage, driver=driver)
    cluster, create = await stage.add()
    await stage.run(create)
    [machine] = [m for m in await stage.provider.list_machines(cluster.uuid) if m.name.endswith("worker-1")]
    assert driver.marks[machine.name] == NodeMark(machine.name, f"fake:///{machine.id}", {}, (), "default-worker")
    workers = (await stage.row(cluster)).groups[1]
    assert await change(stage, replace(workers, node_labels={"tier": "x"}, node_taints=(GPU,))) == "succeeded"
    assert driver.marks[machine.name] == NodeMark(
        machine.name, f"fake:///{machine.id}", {"tier": "x"}, (GPU,), "default-worker"
    )
    master = next(mark for name, mark in driver.marks.items() if "master" in name)
    assert (master.labels, master.taints) == ({}, ())
    await stage.run(await stage.ask_resize(cluster, 3))
    assert {name[-8:]: dict(mark.labels) for name, mark in driver.marks.items() if "worker" in name} == {
        "worker-0": {"tier": "x"},
        "worker-1": {"tier": "x"},
        "worker-2": {"tier": "x"},
    }


async def test_a_driver_without_the_ability_is_not_asked(stage: Stage) -> None:
    stage = replace(stage, driver=Plain())
    cluster, create = await stage.add()
    assert (await stage.run(create)).state == "succeeded"
    assert "marks" not in {step.name for step in await stage.store.list_steps(create.uuid)}
    assert (await stage.row(cluster)).cluster.status == "CREATE_COMPLETE"
