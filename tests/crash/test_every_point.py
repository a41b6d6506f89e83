"""The process dies before and after every call to the provider and every write to the store; the next one reaches the right end."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jeroboam import healing, pki
from jeroboam.contracts import Image
from jeroboam.domain import OperationKind, OperationState, Role, Status, Upgrade
from jeroboam.drivers.fake import StatefulFakeDriver
from jeroboam.healing import Remedy
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.providers.fake.catalogue import FakeCatalogue
from jeroboam.testing import builders
from jeroboam.testing.stage import QUICK, Stage

CALLS = frozenset(
    {
        "ensure_network",
        "ensure_endpoint",
        "ensure_machine",
        "delete_machine",
        "unmake_machine",
        "delete_all",
        "list_machines",
        "list_resources",
        "begin_operation",
        "write_status",
        "finish_operation",
        "remove_cluster",
        "open_step",
        "close_step",
        "open_resource",
        "note_found",
        "note_step",
        "close_resources",
        "put_secrets",
        "finish_group",
    }
)


class Killed(BaseException):
    """The process is gone: no handler of ours may catch this."""


class Fuse:
    """Counts the points where a process could die and blows at one of them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0

    def point(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise Killed


class Wired:
    """Stands before a store or provider; every named call has a point before and one after it."""

    def __init__(self, behind: Any, fuse: Fuse) -> None:
        self._behind = behind
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._behind, name)
        return self._wire(found) if name in CALLS else found

    def _wire(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def wired(*args: Any, **kwargs: Any) -> Any:
            self._fuse.point()
            result = await call(*args, **kwargs)
            self._fuse.point()
            return result

        return wired


async def run_until_killed(stage: Stage, operation: Any, at: int) -> bool:
    """True when the fuse blew, False when the operation was over before."""
    fuse = Fuse(at)
    wired = replace(stage, store=Wired(stage.store, fuse), provider=Wired(stage.provider, fuse))
    try:
        await wired.run(operation)
    except Killed:
        return True
    return False


@pytest.mark.timeout(300)
async def test_create_resize_and_delete_survive_a_death_at_every_point(stage: Stage) -> None:
    points = 0
    at, alive = 1, {"create", "resize", "delete"}
    while alive:
        cluster, create = await stage.add(name=f"c{at}")
        points += await step(stage, create, at, "create", alive)
        await check_machines(stage, cluster.uuid, 3, Status.CREATE_COMPLETE)
        shrink = await stage.ask_resize(cluster, 1)
        points += await step(stage, shrink, at, "resize", alive)
        await check_machines(stage, cluster.uuid, 2, Status.UPDATE_COMPLETE)
        delete = await stage.ask_delete(cluster)
        points += await step(stage, delete, at, "delete", alive)
        assert await stage.store.load(cluster.uuid) is None
        assert await stage.provider.list_resources(cluster.uuid) == []
        assert await stage.store.open_resources(cluster.uuid) == []
        [report] = [one.message for one in await stage.store.list_steps(delete.uuid) if one.name == "report"]
        assert re.fullmatch(r"deleted: 1 endpoint \(.*\), 2 machines \(.*\), 1 network \(.*\)", report), at
        at += 1
    print(f"{points} points of death survived")
    assert points > 100


async def step(stage: Stage, operation: Any, at: int, name: str, alive: set[str]) -> int:
    """Die at this point if the operation is that long, then go on as the next process would."""
    died = await run_until_killed(stage, operation, at) if name in alive else False
    if not died:
        alive.discard(name)
    done = await stage.run(operation)
    assert done.state is OperationState.SUCCEEDED, (name, at, done.error)
    left_open = [(one.name, one.target) for one in await stage.store.list_steps(operation.uuid) if one.ended_at is None]
    assert left_open == [], (name, at)
    return int(died)


async def check_machines(stage: Stage, cluster_uuid: str, count: int, status: Status) -> None:
    machines = await stage.provider.list_machines(cluster_uuid)
    assert len(machines) == len({m.name for m in machines}) == count
    row = await stage.store.load(cluster_uuid)
    assert row is not None
    assert row.cluster.status is status
    assert sum(len(g.node_addresses) for g in row.groups) == count
    ledger = [r.name for r in await stage.store.open_resources(cluster_uuid) if r.kind == "machine"]
    assert sorted(ledger) == sorted(m.name for m in machines)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("call", ["delete_all", "list_resources"])
async def test_a_forced_deletion_survives_a_death_at_every_point(stage: Stage, call: str) -> None:
    """The provider refuses to delete, or does not even show what is there."""
    limits = replace(QUICK, forced=timedelta(seconds=0.05))
    at, alive = 1, {"force"}
    while alive:
        provider = FakeProvider(Cloud(faults=[Fault(call, "unavailable", message="away")]), boot_s=0)
        world = replace(stage, provider=provider, limits=limits)
        cluster, create = await world.add(name=f"c{at}", workers=0)
        await world.run(create)
        force = await world.ask_delete(cluster, forced=True)
        await step(world, force, at, "force", alive)
        assert await world.store.load(cluster.uuid) is None
        steps = await world.store.list_steps(force.uuid)
        told = [(one.target, one.ok) for one in steps if one.name == "abandon"]
        assert len(told) == len(set(told)) == 3, at
        [report] = [one for one in steps if one.name == "report"]
        assert report.ok is False
        assert len((report.log or "").splitlines()) == 3
        assert len(await world.store.open_resources(cluster.uuid)) == 3
        at += 1
    assert at > 10


TWO_IMAGES = FakeCatalogue(
    image_list=tuple(Image(name, name, {"os_distro": "debian"}) for name in ("fake-image", "next"))
)


@pytest.mark.timeout(300)
async def test_upgrade_and_rotation_survive_a_death_at_every_point(stage: Stage) -> None:
    provider = FakeProvider(Cloud(), boot_s=0)
    provider.catalogue = TWO_IMAGES
    stage = replace(stage, provider=provider)
    points = 0
    at, alive = 1, {"upgrade", "rotate_ca"}
    while alive:
        cluster, create = await stage.add(name=f"c{at}")
        await stage.run(create)
        old = await stage.store.get_secrets(cluster.uuid)
        row = await stage.row(cluster)
        target = Upgrade("t2", "next", {}, {"a": "b"}, tuple(g.uuid for g in row.groups), batch_size=2)
        upgrade = await stage.ask(cluster, OperationKind.UPGRADE, upgrade=target)
        points += await step(stage, upgrade, at, "upgrade", alive)
        await check_machines(stage, cluster.uuid, 3, Status.UPDATE_COMPLETE)
        row = await stage.row(cluster)
        assert (row.cluster.template_uuid, row.cluster.shape.image_id) == ("t2", "next")
        assert {m.image_id for m in await provider.list_machines(cluster.uuid)} == {"next"}
        rotation = await stage.ask(cluster, OperationKind.ROTATE_CA)
        points += await step(stage, rotation, at, "rotate_ca", alive)
        await check_machines(stage, cluster.uuid, 3, Status.UPDATE_COMPLETE)
        new = await stage.store.get_secrets(cluster.uuid)
        assert sorted(new) == sorted(old)
        assert {name for name in new if new[name] == old[name]} == {"service-account.key", "token/join"}
        assert {m.keys for m in await provider.list_machines(cluster.uuid)} == {pki.fingerprint(pki.unpack(new))}
        at += 1
    print(f"{points} points of death survived")
    assert points > 80


@pytest.mark.timeout(300)
async def test_a_retry_and_a_cancel_survive_a_death_at_every_point(stage: Stage) -> None:
    points = 0
    at, alive = 1, {"retry", "cancel"}
    while alive:
        fault = Fault("ensure_machine", "boot_fail", "*worker-0", "no space left", times=1)
        world = replace(stage, provider=FakeProvider(Cloud(faults=[fault]), boot_s=0))
        cluster, create = await world.add(name=f"c{at}")
        assert (await world.run(create)).state is OperationState.FAILED
        row = await world.row(cluster)
        retry = replace(builders.operation(row.cluster), details={"retry_of": create.uuid})
        await world.store.request_change(cluster.uuid, [], retry, status=Status.CREATE_IN_PROGRESS)
        points += await step(world, retry, at, "retry", alive)
        await check_machines(world, cluster.uuid, 3, Status.CREATE_COMPLETE)
        renewed = [s for s in await world.store.list_steps(retry.uuid) if s.name == "renew"]
        assert {s.target[-8:] for s in renewed} == {"worker-0"}
        resize = await world.ask_resize(cluster, 5)
        await world.store.request_cancel(resize.uuid, "req-9")
        if "cancel" in alive:
            died = await run_until_killed(world, resize, at)
            points += int(died)
            alive = alive if died else alive - {"cancel"}
        assert (await world.run(resize)).state is OperationState.CANCELLED
        at += 1
    print(f"{points} points of death survived")
    assert points > 50


@pytest.mark.timeout(600)
async def test_a_rotation_around_the_nodes_state_survives_a_death_at_every_point(stage: Stage) -> None:
    provider, driver = FakeProvider(Cloud(), boot_s=0), StatefulFakeDriver()
    stage = replace(stage, provider=provider, driver=driver)
    points = 0
    at, alive = 1, {"rotate_ca"}
    while alive:
        cluster, create = await stage.add(name=f"c{at}")
        await stage.run(create)
        old = await stage.store.get_secrets(cluster.uuid)
        before = {m.name: (m.id, m.address) for m in await provider.list_machines(cluster.uuid)}
        rotation = await stage.ask(cluster, OperationKind.ROTATE_CA)
        points += await step(stage, rotation, at, "rotate_ca", alive)
        await check_machines(stage, cluster.uuid, 3, Status.UPDATE_COMPLETE)
        new = await stage.store.get_secrets(cluster.uuid)
        assert sorted(new) == sorted(old)
        assert new["ca.crt"] != old["ca.crt"]
        seen = await provider.list_machines(cluster.uuid)
        assert {m.name: m.address for m in seen} == {name: address for name, (_, address) in before.items()}
        assert not {m.id for m in seen} & {ident for ident, _ in before.values()}
        heads = [m for m in seen if m.role is Role.CONTROL_PLANE]
        assert [m.keys for m in heads] == [pki.fingerprint(pki.unpack(new))]
        assert driver.aside == set()
        assert driver.renewed.count((OperationKind.ROTATE_CA, rotation.uuid)) == 1
        at += 1
    print(f"{points} points of death survived")
    assert points > 80


@pytest.mark.timeout(300)
async def test_a_healing_survives_a_death_at_every_point(stage: Stage) -> None:
    provider = FakeProvider(Cloud(), boot_s=0)
    stage = replace(stage, provider=provider)
    cluster, create = await stage.add()
    await stage.run(create)
    points = 0
    at, alive = 1, {"heal"}
    while alive:
        before = {m.name[-8:]: m for m in await provider.list_machines(cluster.uuid)}
        remedies = {"worker-0": Remedy.START, "worker-1": Remedy.REPLACE}
        for node in remedies:
            provider.cloud.books.stop(before[node].name)
        seen = await provider.list_machines(cluster.uuid)
        row = await stage.row(cluster)
        ailing = healing.diagnose(row.cluster, row.groups, [], seen, None, stage.clock.now())
        plan = healing.Plan({before[node].name: remedy for node, remedy in remedies.items()}, {})
        heal = replace(builders.operation(row.cluster, OperationKind.HEAL), details=healing.as_details(plan, ailing))
        await stage.store.request_change(cluster.uuid, [], heal, status=Status.UPDATE_IN_PROGRESS)
        points += await step(stage, heal, at, "heal", alive)
        await check_machines(stage, cluster.uuid, 3, Status.UPDATE_COMPLETE)
        after = {m.name[-8:]: m for m in await provider.list_machines(cluster.uuid)}
        assert {node for node in after if after[node].id != before[node].id} == {"worker-1"}
        healed = [s.target[-8:] for s in await stage.store.list_steps(heal.uuid) if s.name == "heal"]
        assert set(healed) == {"worker-1"}
        at += 1
    print(f"{points} points of death survived")
    assert points > 30
