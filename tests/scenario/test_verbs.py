"""Upgrades and rotations that fail, and what comes after; named removal; operations that no longer fit."""

from dataclasses import replace

from jeroboam import pki
from jeroboam.contracts import Image, Machine, NodeHealth
from jeroboam.domain import OperationKind, OperationState, Role, Status, Upgrade
from jeroboam.domain.errors import ProviderRefused
from jeroboam.drivers.fake import FakeDriver, StatefulFakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.providers.fake.catalogue import FakeCatalogue
from jeroboam.testing import builders
from jeroboam.testing.stage import Stage

TWO_IMAGES = FakeCatalogue(
    image_list=tuple(Image(name, name, {"os_distro": "debian"}) for name in ("fake-image", "next"))
)


def with_images(stage: Stage, *faults: Fault) -> Stage:
    provider = FakeProvider(Cloud(faults=list(faults)), boot_s=0)
    provider.catalogue = TWO_IMAGES
    return replace(stage, provider=provider)


async def test_an_upgrade_that_fails_keeps_the_old_template_and_goes_on_when_asked_again(stage: Stage) -> None:
    world = with_images(stage, Fault("delete_machine", "refuse", "*worker-1", "locked by an administrator", times=1))
    cluster, create = await world.add()
    await world.run(create)
    row = await world.row(cluster)
    target = Upgrade("t2", "next", {}, {}, tuple(g.uuid for g in row.groups))
    done = await world.run(await world.ask(cluster, OperationKind.UPGRADE, upgrade=target))
    assert (done.state, done.error) == (OperationState.FAILED, "locked by an administrator")
    row = await world.row(cluster)
    assert (row.cluster.status, row.cluster.template_uuid) == (Status.UPDATE_FAILED, cluster.template_uuid)
    assert (row.cluster.shape.image_id, {g.image_id for g in row.groups}) == ("fake-image", {"fake-image"})
    images = sorted(m.image_id or "" for m in await world.provider.list_machines(cluster.uuid))
    assert images == ["fake-image", "next", "next"]
    assert (await world.run(await world.ask(cluster, OperationKind.UPGRADE, upgrade=target))).state == "succeeded"
    assert (await world.row(cluster)).cluster.template_uuid == "t2"
    assert {m.image_id for m in await world.provider.list_machines(cluster.uuid)} == {"next"}


async def test_a_rotation_that_fails_leaves_the_cas_as_they_were(stage: Stage) -> None:
    world = with_images(stage, Fault("delete_machine", "refuse", "*worker-1", "locked by an administrator", times=1))
    cluster, create = await world.add()
    await world.run(create)
    before = await world.store.get_secrets(cluster.uuid)
    assert (await world.run(await world.ask(cluster, OperationKind.ROTATE_CA))).state is OperationState.FAILED
    left = await world.store.get_secrets(cluster.uuid)
    assert {name: left[name] for name in before} == before
    assert (await world.run(await world.ask(cluster, OperationKind.ROTATE_CA))).state is OperationState.SUCCEEDED
    after = await world.store.get_secrets(cluster.uuid)
    assert sorted(after) == sorted(before)
    assert after["ca.crt"] not in (before["ca.crt"], *(left[name] for name in left if name.endswith("/ca.crt")))


class Twice(FakeProvider):
    """The control plane's machine is made anew once, and then no more until `refuses` is taken back."""

    refuses = True
    unmade = 0

    async def unmake_machine(self, cluster_uuid: str, name: str) -> None:
        self.unmade += name.endswith("master-0")
        if self.refuses and self.unmade == 2 and name.endswith("master-0"):
            raise ProviderRefused("locked by an administrator")
        await super().unmake_machine(cluster_uuid, name)


async def test_new_cas_are_published_before_the_former_are_taken_away(stage: Stage) -> None:
    provider, driver = Twice(Cloud(), boot_s=0), StatefulFakeDriver()
    world = replace(stage, provider=provider, driver=driver)
    cluster, create = await world.add()
    await world.run(create)
    before = pki.unpack(await world.store.get_secrets(cluster.uuid))
    machines = {m.name: (m.address, m.id) for m in await provider.list_machines(cluster.uuid)}
    done = await world.run(await world.ask(cluster, OperationKind.ROTATE_CA))
    assert (done.state, done.error) == (OperationState.FAILED, "locked by an administrator")
    between = pki.unpack(await world.store.get_secrets(cluster.uuid))
    assert between.ca.cert_pem != before.ca.cert_pem
    assert between.former["ca"].cert_pem == before.ca.cert_pem
    assert {m.keys for m in await provider.list_machines(cluster.uuid)} == {pki.fingerprint(between)}
    names = [step.name for step in await world.store.list_steps(done.uuid)]
    assert names.count("rebuild") == 4  # three machines, and the one that was refused
    assert "replace" not in names

    provider.refuses = False
    done = await world.run(await world.ask(cluster, OperationKind.ROTATE_CA))
    assert done.state is OperationState.SUCCEEDED
    kept = await world.store.get_secrets(cluster.uuid)
    after = pki.unpack(kept)
    assert after.former == {}
    assert not [name for name in kept if name.startswith(("next/", "overlap/", "former/"))]
    seen = await provider.list_machines(cluster.uuid)
    assert {m.keys for m in seen if m.role is Role.CONTROL_PLANE} == {pki.fingerprint(after)}
    assert {m.name: m.address for m in seen} == {name: address for name, (address, _) in machines.items()}
    assert not {m.id for m in seen} & {ident for _, ident in machines.values()}
    assert driver.renewed == [(OperationKind.ROTATE_CA, done.uuid)]
    assert driver.aside == set()


async def test_a_named_node_goes_and_one_that_takes_its_place_stays(stage: Stage) -> None:
    cluster, create = await stage.add()
    await stage.run(create)
    first = next(m for m in await stage.provider.list_machines(cluster.uuid) if m.name.endswith("worker-0"))
    await stage.run(await stage.ask_resize(cluster, 1, (first.id,)))
    assert (await stage.row(cluster)).groups[1].remove_nodes == ()
    await stage.run(await stage.ask_resize(cluster, 2))
    machines = await stage.provider.list_machines(cluster.uuid)
    assert sorted(m.index for m in machines if m.group == "default-worker") == [0, 1]
    assert first.id not in {m.id for m in machines}


async def test_an_operation_that_the_status_no_longer_allows_is_superseded_with_the_reason(stage: Stage) -> None:
    cluster, create = await stage.add()
    await stage.run(create)
    again = builders.operation(cluster)
    await stage.store.request_change(cluster.uuid, [], again, status=Status.CREATE_COMPLETE)
    done = await stage.run(again)
    assert (done.state, done.error) == (
        OperationState.SUPERSEDED,
        "create is not possible while the status is CREATE_COMPLETE.",
    )
    assert (await stage.row(cluster)).cluster.status is Status.CREATE_COMPLETE


async def test_a_resize_that_is_refused_before_a_machine_is_made_gives_the_old_count_back(stage: Stage) -> None:
    world = with_images(stage, Fault("ensure_machine", "refuse", "*worker-2", "no valid host was found", times=1))
    cluster, create = await world.add()
    await world.run(create)
    row = await world.row(cluster)
    resize = await world.ask_resize(cluster, 3)
    assert (await world.run(resize)).state is OperationState.FAILED
    assert (await world.row(cluster)).groups[1].node_count == 3  # this one kept no count to go back to
    kept = replace(builders.operation(row.cluster, OperationKind.RESIZE), details={"counts": {row.groups[1].uuid: 2}})
    world = replace(world, provider=with_images(stage, Fault("ensure_machine", "refuse", message="full")).provider)
    await world.store.request_change(cluster.uuid, [], kept, status=Status.UPDATE_IN_PROGRESS)
    assert (await world.run(kept)).error == "full"
    assert (await world.row(cluster)).groups[1].node_count == 2


async def test_a_count_that_somebody_wished_meanwhile_is_not_taken_back(stage: Stage) -> None:
    world = with_images(stage, Fault("ensure_machine", "refuse", "*worker-2", "no valid host was found", times=1))
    cluster, create = await world.add()
    await world.run(create)
    row = await world.row(cluster)
    counts = {"counts": {row.groups[1].uuid: 2}}
    first = replace(builders.operation(row.cluster, OperationKind.RESIZE), details=counts)
    await world.store.request_change(
        cluster.uuid, [replace(row.groups[1], node_count=3)], first, status=Status.UPDATE_IN_PROGRESS
    )
    await world.ask_resize(cluster, 4)
    assert (await world.run(first)).state is OperationState.FAILED
    assert (await world.row(cluster)).groups[1].node_count == 4


class Mixed(FakeDriver):
    """Each group's nodes have a version of their own; that of `worker-1` is a newer one."""

    def _node(self, machine: Machine) -> NodeHealth:
        told = {"default-master": "v1.35.4", "default-worker": "v1.10.0" if machine.index else "v1.9.3"}
        return replace(super()._node(machine), version=told[machine.group])


async def test_a_group_tells_the_oldest_version_of_its_nodes(stage: Stage) -> None:
    world = replace(stage, driver=Mixed())
    cluster, create = await world.add()
    await world.run(create)
    row = await world.row(cluster)
    assert [group.version for group in row.groups] == ["v1.35.4", "v1.9.3"]
    assert row.cluster.coe_version == "v1.34.4"
