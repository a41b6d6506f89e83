"""Machines are lost, stop or are not ready: the scan notices, says so, and asks for their healing when the cluster wishes it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from jeroboam import healing
from jeroboam.conductor.access import AdminAccess
from jeroboam.conductor.healer import Healer
from jeroboam.conductor.health import HealthScan
from jeroboam.contracts import Access, Caller, CoeHealth, Machine, MachineState, NodeHealth, SystemClock
from jeroboam.domain import Ailing, Cluster, Health, Operation, OperationKind, OperationState, Status
from jeroboam.domain.errors import CoeUnreachable, Conflict, Forbidden, NotSupported
from jeroboam.drivers.fake import FakeDriver, StatefulFakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.service import Asker, Policy, Services
from jeroboam.service import healing as by_hand
from jeroboam.testing import builders
from jeroboam.testing.builders import ManualClock
from jeroboam.testing.stage import Stage

WISHED = {"auto_healing_enabled": "true", "auto_healing_grace": "0"}
AT_ONCE = healing.Terms(backoff=timedelta(0))


class Ward(FakeDriver):
    """Nodes of these machine ids are not ready; and it remembers members that nobody has released."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.cloud = cloud
        self.sick: set[str] = set()
        self.members: set[str] = set()
        self.silent = False

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        if self.silent:
            raise CoeUnreachable("the API server does not answer")
        seen, there = await super().health(access, expected), self.cloud.state.machines
        self.members |= {machine.name for machine in expected}
        sick = {machine.name for machine in expected if machine.id in self.sick}
        nodes = [replace(node, ready=node.ready and node.name not in sick) for node in seen.nodes]
        left = [NodeHealth(name, name in there, "lost") for name in self.members - {node.name for node in nodes}]
        return replace(seen, nodes=(*nodes, *left), workloads_ready=not sick)

    async def release(self, machine: Machine, access: Access) -> None:
        self.members.discard(machine.name)


@dataclass
class Clinic:
    """A cluster with three workers, and whoever scans it."""

    stage: Stage
    cluster: Cluster
    terms: healing.Terms = AT_ONCE
    clock: ManualClock | SystemClock = field(default_factory=SystemClock)

    @property
    def provider(self) -> FakeProvider:
        assert isinstance(self.stage.provider, FakeProvider)
        return self.stage.provider

    @property
    def driver(self) -> Ward:
        assert isinstance(self.stage.driver, Ward)
        return self.stage.driver

    def healer(self) -> Healer:
        return Healer(self.stage.store, self.stage.provider, self.clock, self.terms)

    def scanner(self) -> HealthScan:
        stage = self.stage
        access = AdminAccess(SystemClock())
        drivers = {"fake": stage.driver}
        return HealthScan(
            stage.store, stage.provider, drivers, self.clock, access, every=timedelta(0), healer=self.healer()
        )

    async def scan(self) -> Operation | None:
        """What is asked for by it."""
        before = await self.stage.store.list_operations(self.cluster.uuid)
        await self.scanner().once()
        operations = await self.stage.store.list_operations(self.cluster.uuid)
        return operations[0] if len(operations) > len(before) else None

    async def healed(self) -> Operation:
        """Scan, and carry out what that asks for."""
        asked = await self.scan()
        assert asked is not None, await self.told()
        return await self.stage.run(asked)

    async def machines(self) -> dict[str, Machine]:
        found = await self.provider.list_machines(self.cluster.uuid)
        return {machine.name.partition("default-")[2]: machine for machine in found}

    async def now(self) -> Cluster:
        return (await self.stage.row(self.cluster)).cluster

    async def told(self) -> str | None:
        return (await self.now()).health_reason.get("auto_healing")

    async def lose(self, *nodes: str) -> None:
        machines = await self.machines()
        for node in nodes:
            await self.provider.delete_machine(self.cluster.uuid, machines[node].name)

    async def stop(self, *nodes: str) -> None:
        machines = await self.machines()
        for node in nodes:
            self.provider.cloud.books.stop(machines[node].name)

    async def call(self, node: str, state: MachineState) -> None:
        self.provider.cloud.books.call((await self.machines())[node].name, state)

    async def sicken(self, *nodes: str) -> None:
        machines = await self.machines()
        self.driver.sick |= {machines[node].id for node in nodes}


async def clinic(stage: Stage, *faults: Fault, workers: int = 3, **labels: str) -> Clinic:
    """Healing is wished for at once, unless the labels say otherwise."""
    cloud = Cloud(faults=list(faults))
    world = replace(stage, provider=FakeProvider(cloud, boot_s=0), driver=Ward(cloud))
    shape = replace(builders.cluster().shape, labels=labels or WISHED)
    cluster, create = await world.add(workers=workers, shape=shape)
    assert (await world.run(create)).state is OperationState.SUCCEEDED
    made = Clinic(world, cluster)
    assert await made.scan() is None
    assert (await made.now()).health is Health.HEALTHY
    return made


@pytest.mark.parametrize("how", ["lose", "stop", "sicken"])
async def test_drift_is_told_of_each_node_and_nothing_is_done_that_is_not_wished(stage: Stage, how: str) -> None:
    ward = await clinic(stage, some="label")
    names = {node: machine.name for node, machine in (await ward.machines()).items()}
    await getattr(ward, how)("worker-1")
    assert await ward.scan() is None
    cluster = await ward.now()
    assert cluster.health is Health.UNHEALTHY
    reasons = dict(cluster.health_reason)
    assert (reasons.pop("class"), bool(reasons.pop("hint", ""))) == ("operator", how != "sicken")
    why = reasons.pop(f"{names['worker-1']}.Reason", "")
    assert why == {"lose": "its machine is gone", "stop": "NotReady by the settings", "sicken": ""}[how]
    assert reasons == {"api": "ok"} | {f"{name}.Ready": str(node != "worker-1") for node, name in names.items()}
    assert list(cluster.ailing) == [names["worker-1"]]


async def test_drift_shows_though_the_live_cluster_is_silent(stage: Stage) -> None:
    ward = await clinic(stage, some="label")
    ward.driver.silent = True
    await ward.stop("master-0")
    await ward.scan()
    cluster = await ward.now()
    assert cluster.health is Health.UNHEALTHY
    assert cluster.health_reason["api"] == "the API server does not answer"
    assert [one["ailment"] for one in cluster.ailing.values()] == ["stopped"]


@pytest.mark.parametrize(("how", "remedy"), [("lose", "replace"), ("stop", "start"), ("sicken", "replace")])
async def test_a_worker_that_is_not_well_is_healed_and_its_cluster_is_healthy_again(
    stage: Stage, how: str, remedy: str
) -> None:
    ward = await clinic(stage)
    before = await ward.machines()
    await getattr(ward, how)("worker-1")
    done = await ward.healed()
    assert (done.kind, done.state, done.user_id) == (OperationKind.HEAL, OperationState.SUCCEEDED, "auto-healing")
    assert done.summary.startswith(f"heal: {remedy} {before['worker-1'].name} (")
    after = await ward.machines()
    assert {node for node in after if after[node].id != before[node].id} == ({"worker-1"} if how != "stop" else set())
    assert await ward.scan() is None
    cluster = await ward.now()
    assert (cluster.status, cluster.health, cluster.ailing) == (Status.UPDATE_COMPLETE, Health.HEALTHY, {})
    steps = {(one.name, one.target) for one in await ward.stage.store.list_steps(done.uuid)}
    assert (("heal", before["worker-1"].name) in steps) is (remedy == "replace")


async def test_a_lost_member_is_struck_off_though_another_name_takes_its_place(stage: Stage) -> None:
    ward = await clinic(stage)
    resize = await ward.stage.ask_resize(ward.cluster, 2, ((await ward.machines())["worker-0"].name,))
    assert (await ward.stage.run(resize)).state is OperationState.SUCCEEDED
    lost = (await ward.machines())["worker-2"].name
    await ward.lose("worker-2")
    assert (await ward.healed()).state is OperationState.SUCCEEDED
    assert sorted(await ward.machines()) == ["master-0", "worker-0", "worker-1"]
    assert lost not in ward.driver.members
    open_rows = [one.name for one in await ward.stage.store.open_resources(ward.cluster.uuid) if one.kind == "machine"]
    assert lost not in open_rows


async def test_the_grace_is_the_nodes_own_and_begins_when_it_was_first_missed(stage: Stage) -> None:
    ward = await clinic(stage, auto_healing_enabled="true", auto_healing_grace="120")
    ward.clock = ManualClock(SystemClock().now() + timedelta(seconds=1))
    await ward.sicken("worker-1")
    assert await ward.scan() is None
    due = f"{ward.clock.now() + timedelta(seconds=120):%Y-%m-%d %H:%M:%S}"
    assert await ward.told() == f"from {due} UTC on"
    ward.clock.advance(119)
    assert await ward.scan() is None
    ward.driver.sick.clear()  # it is well for a moment, which begins the grace anew
    assert await ward.scan() is None
    await ward.sicken("worker-1")
    ward.clock.advance(100)
    assert await ward.scan() is None
    ward.clock.advance(120)
    asked = await ward.scan()
    assert asked is not None
    assert asked.kind is OperationKind.HEAL


async def test_a_node_that_came_back_by_itself_is_left_alone(stage: Stage) -> None:
    ward = await clinic(stage)
    before = await ward.machines()
    await ward.sicken("worker-1")
    asked = await ward.scan()
    assert asked is not None
    ward.driver.sick.clear()
    assert (await ward.stage.run(asked)).state is OperationState.SUCCEEDED
    assert {m.id for m in (await ward.machines()).values()} == {m.id for m in before.values()}


async def test_only_a_share_of_a_group_goes_at_once_and_the_others_follow(stage: Stage) -> None:
    ward = await clinic(stage, workers=4)
    before = await ward.machines()
    await ward.sicken("worker-0", "worker-1", "worker-2")
    changed: list[set[str]] = []
    for _ in range(3):
        assert (await ward.healed()).state is OperationState.SUCCEEDED
        after = await ward.machines()
        changed.append({node for node in after if after[node].id != before[node].id})
    assert changed == [{"worker-0"}, {"worker-0", "worker-1"}, {"worker-0", "worker-1", "worker-2"}]
    assert await ward.scan() is None
    assert (await ward.now()).health is Health.HEALTHY


async def test_the_only_control_plane_is_started_but_never_replaced(stage: Stage) -> None:
    ward = await clinic(stage)
    before = await ward.machines()
    await ward.sicken("master-0")
    assert await ward.scan() is None
    name = before["master-0"].name
    assert await ward.told() == f"not done: {name}: 0 of 1 control-plane nodes are well, which is no majority"
    await ward.stop("master-0")
    ward.driver.sick.clear()
    assert (await ward.healed()).state is OperationState.SUCCEEDED
    assert (await ward.machines())["master-0"].id == before["master-0"].id


@pytest.mark.parametrize("state", [MachineState.FAILED, MachineState.BUILDING])
async def test_the_only_control_plane_is_not_made_anew_whatever_its_machine_is_called(
    stage: Stage, state: MachineState
) -> None:
    ward = await clinic(stage)
    before = (await ward.machines())["master-0"]
    await ward.call("master-0", state)
    assert await ward.scan() is None
    cluster = await ward.now()
    assert cluster.health is Health.UNHEALTHY
    assert cluster.health_reason[f"{before.name}.Reason"] == f"its machine is {state}"
    assert cluster.health_reason[f"{before.name}.Ready"] == "True"
    assert await ward.told() == f"not done: {before.name}: its machine is {state}, yet the node is ready"
    await ward.lose("worker-1")
    assert (await ward.healed()).state is OperationState.SUCCEEDED
    after = (await ward.machines())["master-0"]
    assert (after.id, after.state) == (before.id, state)
    await ward.sicken("master-0")
    assert await ward.scan() is None
    assert await ward.told() == f"not done: {before.name}: 0 of 1 control-plane nodes are well, which is no majority"


@pytest.mark.parametrize("state", [MachineState.FAILED, MachineState.BUILDING])
async def test_a_worker_whose_machine_failed_is_replaced_once_it_is_not_ready(
    stage: Stage, state: MachineState
) -> None:
    ward = await clinic(stage)
    before = await ward.machines()
    await ward.call("worker-1", state)
    assert await ward.scan() is None
    await ward.sicken("worker-1")
    asked = await ward.scan()
    assert asked is not None
    assert [one["remedy"] for one in asked.details["nodes"].values()] == ["replace"]
    assert (await ward.stage.run(asked)).state is OperationState.SUCCEEDED
    after = await ward.machines()
    assert {node for node in after if after[node].id != before[node].id} == {"worker-1"}
    assert after["worker-1"].state is MachineState.RUNNING


async def test_a_failed_machine_whose_node_is_ready_again_is_left_alone(stage: Stage) -> None:
    ward = await clinic(stage)
    before = await ward.machines()
    await ward.call("worker-1", MachineState.FAILED)
    await ward.sicken("worker-1")
    asked = await ward.scan()
    assert asked is not None
    ward.driver.sick.clear()
    assert (await ward.stage.run(asked)).state is OperationState.SUCCEEDED
    assert {m.id for m in (await ward.machines()).values()} == {m.id for m in before.values()}


async def test_a_machine_that_failed_is_told_of_though_the_live_cluster_is_silent(stage: Stage) -> None:
    ward = await clinic(stage)
    name = (await ward.machines())["worker-1"].name
    await ward.call("worker-1", MachineState.FAILED)
    ward.driver.silent = True
    assert await ward.scan() is None
    reasons = (await ward.now()).health_reason
    assert (reasons[f"{name}.Ready"], reasons[f"{name}.Reason"]) == ("False", "its machine is failed")


async def heal_but(ward: Clinic, healed: dict[str, healing.Remedy]) -> Operation:
    """What ails is looked up by name; all of it but `healed` is left."""
    await replace(ward, terms=replace(AT_ONCE, enabled=False)).scan()
    row = await ward.stage.row(ward.cluster)
    ailing = {name: Ailing.of(name, kept) for name, kept in row.cluster.ailing.items()}
    details = healing.as_details(healing.Plan(healed, {}), ailing)
    heal = replace(builders.operation(row.cluster, OperationKind.HEAL), details=details)
    await ward.stage.store.request_change(ward.cluster.uuid, [], heal, status=Status.UPDATE_IN_PROGRESS)
    return await ward.stage.run(heal)


async def test_what_is_left_is_neither_started_nor_made_anew_nor_forgotten(stage: Stage) -> None:
    ward = await clinic(stage)
    resize = await ward.stage.ask_resize(ward.cluster, 2, ((await ward.machines())["worker-0"].name,))
    assert (await ward.stage.run(resize)).state is OperationState.SUCCEEDED
    names = {node: machine.name for node, machine in (await ward.machines()).items()}
    await ward.lose("worker-2")  # whoever made it anew now would call it worker-0
    await ward.stop("worker-1")
    done = await heal_but(ward, {names["worker-1"]: healing.Remedy.START})
    assert done.state is OperationState.SUCCEEDED
    assert sorted(await ward.machines()) == ["master-0", "worker-1"]
    assert names["worker-2"] in ward.driver.members
    asked = await ward.healed()
    assert list(asked.details["nodes"]) == [names["worker-2"]]
    assert names["worker-2"] not in ward.driver.members


class Mute(FakeProvider):
    """One machine says nothing on its console."""

    mute = ""

    async def console_log(self, cluster_uuid: str, name: str, *, lines: int = 200) -> str:
        return "" if name == self.mute else await super().console_log(cluster_uuid, name, lines=lines)


async def test_the_boot_of_what_is_left_is_not_waited_for(stage: Stage) -> None:
    ward = await clinic(stage)
    names = {node: machine.name for node, machine in (await ward.machines()).items()}
    provider = Mute(ward.provider.cloud, boot_s=0)
    provider.mute = names["worker-0"]
    await ward.sicken("worker-0")
    await ward.stop("worker-1")
    async with asyncio.timeout(10):
        done = await heal_but(
            replace(ward, stage=replace(ward.stage, provider=provider)), {names["worker-1"]: healing.Remedy.START}
        )
    assert done.state is OperationState.SUCCEEDED
    booted = {step.target for step in await ward.stage.store.list_steps(done.uuid) if step.name == "boot"}
    assert (names["worker-0"] in booted, names["worker-1"] in booted) == (False, True)


async def test_two_conductors_heal_once(stage: Stage) -> None:
    ward = await clinic(stage)
    await ward.lose("worker-1")
    first, second = ward.healer(), ward.healer()
    rows = await ward.stage.store.health_targets(9, SystemClock().now())
    again = await ward.stage.store.health_targets(9, SystemClock().now())  # the other one's clock is ahead
    assert len(rows) == len(again) == 1
    ailing = healing.diagnose(
        rows[0].cluster,
        rows[0].groups,
        (await ward.stage.store.recorded_machines([ward.cluster.uuid]))[ward.cluster.uuid],
        await ward.provider.list_machines(ward.cluster.uuid),
        None,
        SystemClock().now(),
    )
    asked = []
    for healer, row in ((first, rows[0]), (second, again[0])):
        decision = await healer.decide(row, ward.driver, ailing, api_ok=True)
        assert decision.operation is not None
        asked.append(await healer.ask(row, decision.operation))
    assert asked == [True, False]
    kinds = [one.kind for one in await ward.stage.store.list_operations(ward.cluster.uuid)]
    assert kinds.count(OperationKind.HEAL) == 1


async def test_what_somebody_asked_for_meanwhile_comes_first(stage: Stage) -> None:
    ward = await clinic(stage)
    await ward.lose("worker-1")
    [row] = await ward.stage.store.health_targets(9, SystemClock().now())
    resize = await ward.stage.ask_resize(ward.cluster, 4)
    healer = ward.healer()
    wish = replace(builders.operation(row.cluster, OperationKind.HEAL), user_id=healing.AUTO)
    assert await healer.ask(row, wish) is False
    assert await ward.scan() is None  # a cluster at work is not looked at
    assert (await ward.stage.run(resize)).state is OperationState.SUCCEEDED
    deletion = await ward.stage.ask_delete(ward.cluster)
    assert await healer.ask(row, wish) is False
    assert (await ward.stage.run(deletion)).state is OperationState.SUCCEEDED
    assert await healer.ask(row, wish) is False


async def test_a_cluster_that_cannot_be_healed_is_given_up_until_somebody_looks_after_it(stage: Stage) -> None:
    fault = Fault("ensure_machine", "refuse", "*worker-1", "no valid host was found", times=9, met=9)
    ward = await clinic(stage, fault)
    fault.met = 0
    name = (await ward.machines())["worker-1"].name
    await ward.lose("worker-1")
    patient = replace(ward, terms=healing.Terms(backoff=timedelta(minutes=10)))
    assert (await ward.healed()).state is OperationState.FAILED
    assert await patient.scan() is None
    assert str(await ward.told()).startswith("failed 1 times; again from 20")
    for _ in range(2):
        assert (await ward.healed()).state is OperationState.FAILED
    assert await ward.scan() is None
    assert await ward.told() == f"not done: {name}: healed 3 times of late, in vain"
    assert (await ward.now()).status is Status.UPDATE_FAILED
    fault.met = 9
    assert (
        await ward.stage.run(await ward.stage.ask(ward.cluster, OperationKind.UPDATE))
    ).state is OperationState.SUCCEEDED
    assert await ward.scan() is None
    assert (await ward.now()).health is Health.HEALTHY


async def test_a_cluster_at_which_somebodys_operation_failed_waits_for_them(stage: Stage) -> None:
    fault = Fault("ensure_machine", "refuse", "*worker-3", "no valid host was found")
    ward = await clinic(stage, fault)
    assert (await ward.stage.run(await ward.stage.ask_resize(ward.cluster, 4))).state is OperationState.FAILED
    await ward.sicken("worker-0")
    assert await ward.scan() is None
    assert await ward.told() == "waits: the last operation failed, and is to be retried first"


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (replace(AT_ONCE, enabled=False), "off: the operator has set [healing] enabled = false"),
        (AT_ONCE, "not done by the driver fake"),
    ],
)
async def test_who_does_not_heal_says_so(stage: Stage, terms: healing.Terms, told: str) -> None:
    ward = await clinic(stage)
    ward.terms = terms
    ward.driver.capabilities = replace(ward.driver.capabilities, heals=frozenset())
    await ward.lose("worker-1")
    assert await ward.scan() is None
    assert await ward.told() == told


async def test_a_healer_of_the_tenants_own_tells_the_health_itself(stage: Stage) -> None:
    ward = await clinic(stage)
    shape = replace(ward.cluster.shape, labels={**WISHED, "auto_healing_controller": "magnum-auto-healer"})
    cluster, create = await ward.stage.add(name="own", shape=shape)
    await ward.stage.run(create)
    await ward.stage.store.set_health(cluster.uuid, Health.UNHEALTHY, {"api": "said by the tenant"})
    assert await ward.scan() is None
    assert (await ward.stage.row(cluster)).cluster.health_reason == {"api": "said by the tenant"}


async def test_a_node_whose_state_outlives_its_machine_keeps_it(stage: Stage) -> None:
    class Sick(StatefulFakeDriver):
        sick = ""

        async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
            seen = await super().health(access, expected)
            ids = {machine.name: machine.id for machine in expected}
            nodes = tuple(replace(n, ready=n.ready and ids.get(n.name) != self.sick) for n in seen.nodes)
            return replace(seen, nodes=nodes)

    driver = Sick()
    world = replace(stage, driver=driver)
    cluster, create = await world.add(shape=replace(builders.cluster().shape, labels=WISHED))
    await world.run(create)
    ward = Clinic(world, cluster)
    before = (await ward.machines())["worker-1"]
    driver.sick = before.id
    assert (await ward.healed()).state is OperationState.SUCCEEDED
    after = (await ward.machines())["worker-1"]
    assert after.id != before.id
    assert after.address == before.address
    assert driver.aside == set()


ME = Asker(Caller("user-1", builders.PROJECT, frozenset({"member", "reader"})), "req-2")


def services(stage: Stage) -> Services:
    return Services(
        store=stage.store,
        providers={"fake": stage.provider},
        default_provider="fake",
        drivers={"fake": stage.driver},
        clock=stage.clock,
        policy=Policy(),
    )


async def test_by_hand_all_that_ails_is_healed_at_once_without_label_and_grace(stage: Stage) -> None:
    ward = await clinic(stage, some="label")
    with pytest.raises(Conflict, match=r"^No node of cluster demo is known not to be well\.$"):
        await by_hand.heal(services(ward.stage), ME, ward.cluster.uuid)
    before = await ward.machines()
    await ward.sicken("worker-0", "worker-1")
    await ward.stop("worker-2")
    assert await ward.scan() is None
    asked = await by_hand.heal(services(ward.stage), ME, ward.cluster.uuid)
    assert (asked.kind, asked.user_id) == (OperationKind.HEAL, "user-1")
    with pytest.raises(Conflict, match=r"^Cluster demo is UPDATE_IN_PROGRESS, and is healed only between operations"):
        await by_hand.heal(services(ward.stage), ME, ward.cluster.uuid)
    assert (await ward.stage.run(asked)).state is OperationState.SUCCEEDED
    after = await ward.machines()
    assert {node for node in after if after[node].id != before[node].id} == {"worker-0", "worker-1"}
    await ward.scan()
    assert (await ward.now()).health is Health.HEALTHY


async def test_by_hand_no_control_plane_is_given_up_and_no_driver_does_what_it_cannot(stage: Stage) -> None:
    ward = await clinic(stage)
    name = (await ward.machines())["master-0"].name
    await ward.sicken("master-0")
    await ward.scan()
    told = (
        f"^No node of cluster demo can be healed: {name}: 0 of 1 control-plane nodes are well, which is no majority\\.$"
    )
    with pytest.raises(Conflict, match=told):
        await by_hand.heal(services(ward.stage), ME, ward.cluster.uuid)
    reader = Asker(Caller("user-2", builders.PROJECT, frozenset({"reader"})), "req-3")
    with pytest.raises(Forbidden, match="cluster:heal"):
        await by_hand.heal(services(ward.stage), reader, ward.cluster.uuid)
    ward.driver.capabilities = replace(ward.driver.capabilities, heals=frozenset())
    with pytest.raises(NotSupported, match=r"^Healing is not supported by the driver fake\.$"):
        await by_hand.heal(services(ward.stage), ME, ward.cluster.uuid)
