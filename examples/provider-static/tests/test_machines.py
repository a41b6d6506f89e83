"""What only real machines show: strangers are refused, nothing is left behind, what broke off goes on."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from jeroboam.contracts import Command, Endpoint, File, MachineState, NodeConfig
from jeroboam.domain import Role
from jeroboam.domain.errors import HostUnsupported, ProviderRefused, ProviderUnavailable
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import SPEC, WELL, World
from jeroboam_static import StaticProvider
from jeroboam_static.inventory import read_inventory
from jeroboam_static.machine import Machine

from yard import Yard

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(600)]
LEFT_OUT = "-not -path '/var/log/journal*' -not -path '/var/lib/jeroboam-static*'"
LIST = f"find /etc /var /data /root /srv -xdev {LEFT_OUT} -printf '%p %m %s %l\\n' | LC_ALL=C sort"


@pytest.fixture
async def world(inventory: Path) -> AsyncIterator[World]:
    provider = await started(inventory)
    shape = replace(builders.template().shape, image_id="host")
    world = World(provider, builders.cluster(name="suite", shape=shape), "host")
    yield world
    await provider.delete_all(world.cluster.uuid)
    await provider.stop()


async def started(inventory: Path) -> StaticProvider:
    provider = StaticProvider(inventory)
    await provider.start()
    return provider


async def test_a_machine_with_another_host_key_is_refused_before_anything_is_sent(yard: Yard) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    first, *others = yard.document["machines"]
    path = yard.inventory("stranger", machines=[{**first, "host_key": stranger}, *others])
    with pytest.raises(HostUnsupported) as caught:
        await started(path)
    at = yard.addresses["rack-1"]
    said = f"rack-1 ({at}:22) shows another host key than the inventory's; nothing was sent to it."
    assert caught.value.message == said
    with pytest.raises(ProviderRefused) as refused:
        await Machine(read_inventory(path).entries[0]).look()
    assert refused.value.message == said


async def test_a_key_that_opens_nothing_is_told_with_user_and_file(yard: Yard) -> None:
    other = yard.folder / "other"
    other.touch(0o600)
    other.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    machine = {**yard.document["machines"][0], "key_file": "other"}
    with pytest.raises(HostUnsupported) as caught:
        await started(yard.inventory("closed", machines=[machine]))
    assert caught.value.message == f"rack-1 ({yard.addresses['rack-1']}:22) does not let root in with {other}."
    with pytest.raises(HostUnsupported, match=r"^rack-1: key_file .*/gone cannot be used: "):
        await started(yard.inventory("keyless", machines=[{**machine, "key_file": "gone"}]))


async def test_a_user_needs_sudo_without_a_password(yard: Yard) -> None:
    yard.on(
        "rack-1",
        "useradd -m ops 2>/dev/null; mkdir -p ~ops/.ssh; cp ~root/.ssh/authorized_keys ~ops/.ssh/; chown -R ops ~ops",
    )
    path = yard.inventory("ops", machines=[{**yard.document["machines"][0], "user": "ops"}])
    try:
        with pytest.raises(HostUnsupported, match=r"^rack-1: sudo: a password is required\.$"):
            await started(path)
        yard.on("rack-1", "echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops")
        provider = await started(path)
        assert await provider.list_resources() == []
        await provider.stop()
    finally:
        yard.on("rack-1", "rm -f /etc/sudoers.d/ops; userdel -rf ops 2>/dev/null || true")


async def test_a_machine_is_given_back_as_it_was(world: World, yard: Yard) -> None:
    network, endpoint = await world.place()
    held = next(r for r in await world.provider.list_resources(world.cluster.uuid) if r.kind == "network")
    head = held.id.split(f"-{world.cluster.uuid}")[0].removeprefix("net-")
    before = yard.on(head, LIST)
    motd = yard.on(head, "cat /etc/motd")
    files = (File("/etc/motd", b"a node\n"), File("/etc/deep/in/secret", b"key", 0o600), File("/srv/data", b"x" * 9))
    leaves = (
        "mkdir -p /var/lib/leaves; date >/var/lib/leaves/now; rm -f /etc/issue; sleep 1000 & mount -t tmpfs none /srv"
    )
    spec = world.spec(role=Role.CONTROL_PLANE, group="masters")
    config = NodeConfig(spec.name, files, (Command("leaves", ("bash", "-c", leaves)),))
    await world.provider.ensure_machine(spec, network, endpoint, config)
    assert (await world.settled(spec.name, 60)).done
    assert yard.on(head, "cat /etc/motd; hostname; stat -c %a /etc/deep/in/secret").split() == [
        "a",
        "node",
        spec.name,
        "600",
    ]
    await world.provider.delete_machine(world.cluster.uuid, spec.name)
    assert await world.provider.ensure_endpoint(world.cluster, network, SPEC) == endpoint
    await world.provider.delete_all(world.cluster.uuid)
    assert yard.on(head, LIST) == before
    assert yard.on(head, "cat /etc/motd") == motd
    assert yard.on(head, "ls -d /var/lib/jeroboam-static* 2>/dev/null || true") == ""
    assert yard.on(head, "pgrep sleep || true; grep -c ' /srv ' /proc/mounts || true").split() == ["0"]


async def test_two_services_do_not_take_the_same_machine(inventory: Path, world: World) -> None:
    """Each looks, and sees the same machines free, before either of them holds one."""
    other = World(await started(inventory), builders.cluster(shape=world.cluster.shape), "host")
    try:
        mine, theirs = await asyncio.gather(world.place(), other.place())
        assert mine[1].inside.host != theirs[1].inside.host
    finally:
        await other.provider.delete_all(other.cluster.uuid)
        await other.provider.stop()


async def test_two_services_that_act_for_one_cluster_at_once_take_one_machine_for_each_node(
    inventory: Path, world: World
) -> None:
    """One of them was taken for dead, but it was only stopped for a while."""
    other = World(await started(inventory), world.cluster, "host")
    try:
        await asyncio.gather(*(_until_made(one) for one in (world, other)))
        found = await world.provider.list_resources(world.cluster.uuid)
        assert sorted(one.kind for one in found) == ["machine", "network"]
        assert (await world.settled(world.spec().name, 60)).done
    finally:
        await other.provider.stop()


async def _until_made(world: World) -> None:
    while True:
        try:
            await world.provider.ensure_machine(world.spec(), *await world.place(), WELL)
        except ProviderUnavailable:
            await asyncio.sleep(random.uniform(0.1, 1))
        else:
            return


async def test_what_a_killed_service_left_half_done_is_found_and_finished(world: World, inventory: Path) -> None:
    network, endpoint = await world.place()
    spec = world.spec()
    task = asyncio.create_task(world.provider.ensure_machine(spec, network, endpoint, WELL))
    while not await world.provider.list_machines(world.cluster.uuid):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    heir = World(await started(inventory), world.cluster, "host")
    [before] = await heir.provider.list_machines(world.cluster.uuid)
    assert before.state is MachineState.BUILDING
    after = await heir.provider.ensure_machine(spec, network, endpoint, WELL)
    assert (after.id, after.state) == (before.id, MachineState.RUNNING)
    assert (await heir.settled(spec.name, 60)).done
    await heir.provider.stop()


async def test_a_wish_that_the_yard_cannot_fulfil_is_told_before_and_refused_after(world: World) -> None:
    specs = [world.spec(0, Role.CONTROL_PLANE, "masters"), *(world.spec(index) for index in range(5))]
    problems = await world.provider.preflight(world.cluster, specs)
    assert [(one.message, one.field) for one in problems] == [
        ("2 machines are missing: role worker, image host.", "node_count")
    ]
    large = [replace(world.spec(index), flavor_id="large") for index in range(2)]
    assert [one.message for one in await world.provider.preflight(world.cluster, large)] == [
        "1 machine is missing: role worker, image host, flavor large."
    ]
    network, endpoint = await world.place()
    with pytest.raises(ProviderRefused) as caught:
        await world.provider.ensure_machine(replace(world.spec(), image_id="gone"), network, endpoint, WELL)
    assert caught.value.message == "1 machine is missing: role worker, image gone."


async def test_a_machine_that_is_off_stays_its_clusters_and_is_not_replaced(
    world: World, yard: Yard, inventory: Path
) -> None:
    network, endpoint = await world.place()
    spec = world.spec()
    made = await world.provider.ensure_machine(spec, network, endpoint, WELL)
    name = next(name for name, address in yard.addresses.items() if address == made.address)
    yard.stop(name)
    try:
        [seen] = await world.provider.list_machines(world.cluster.uuid)
        assert (seen.id, seen.state) == (made.id, MachineState.STOPPED)
        assert seen.detail.startswith(f"{name} ({made.address}:22) ")
        with pytest.raises(ProviderUnavailable):
            await world.provider.ensure_machine(spec, network, endpoint, WELL)
        with pytest.raises(ProviderUnavailable):
            await world.provider.delete_machine(world.cluster.uuid, spec.name)
        late = await started(inventory)  # a service that never saw it cannot know whose it is
        with pytest.raises(ProviderUnavailable) as caught:
            await late.list_machines(world.cluster.uuid)
        assert caught.value.hint == "Start the machine, or take it out of the inventory."
        await late.stop()
    finally:
        yard.start(name)
    [seen] = await world.provider.list_machines(world.cluster.uuid)
    assert (seen.id, seen.state) == (made.id, MachineState.RUNNING)
    assert (await world.settled(spec.name, 60)).done


SAYS_ITS_NAME = "systemd-run -q --unit=says-its-name socat TCP-LISTEN:6443,fork,reuseaddr SYSTEM:hostname"


def answers(endpoint: Endpoint) -> set[str]:
    """What eight calls are told at the endpoint; nothing of those that nobody answers."""
    found = set()
    for _ in range(8):
        try:
            with socket.create_connection((endpoint.inside.host, endpoint.inside.port), timeout=3) as door:
                found.add(door.recv(200).decode().strip())
        except OSError:
            continue
    return found - {""}


async def until_answered(endpoint: Endpoint, names: set[str]) -> None:
    async with asyncio.timeout(60):
        while await asyncio.to_thread(answers, endpoint) != names:
            await asyncio.sleep(0.3)


async def test_the_balancer_leads_to_whichever_control_planes_there_are(world: World) -> None:
    network, endpoint = await world.place(replace(SPEC, control_planes=3))
    specs = [world.spec(index, Role.CONTROL_PLANE, "masters") for index in range(2)]
    for spec in specs:
        config = NodeConfig(spec.name, (), (Command("speak", tuple(SAYS_ITS_NAME.split())),))
        await world.provider.ensure_machine(spec, network, endpoint, config)
        assert (await world.settled(spec.name, 60)).done
    await until_answered(endpoint, {spec.name for spec in specs})
    await world.provider.delete_machine(world.cluster.uuid, specs[0].name)
    await until_answered(endpoint, {specs[1].name})


async def test_a_balancer_needs_haproxy_and_says_so(world: World, yard: Yard) -> None:
    for name in yard.addresses:
        yard.on(name, "mv /usr/sbin/haproxy /usr/sbin/haproxy.off")
    try:
        with pytest.raises(HostUnsupported, match=r"^rack-\d: has no program /usr/sbin/haproxy\.$"):
            await world.place(replace(SPEC, control_planes=3))
    finally:
        for name in yard.addresses:
            yard.on(name, "mv /usr/sbin/haproxy.off /usr/sbin/haproxy")


async def test_a_machine_that_turns_into_a_stranger_disturbs_no_other(world: World, yard: Yard) -> None:
    network, endpoint = await world.place()
    spec = world.spec()
    made = await world.provider.ensure_machine(spec, network, endpoint, WELL)
    name = next(name for name, address in yard.addresses.items() if address == made.address)
    keep = "cd /etc/ssh; mv ssh_host_ed25519_key kept; ssh-keygen -qt ed25519 -N '' -f ssh_host_ed25519_key"
    yard.on(name, f"{keep}; systemctl restart ssh; pkill -f 'sshd: root' || true")
    try:
        [seen] = await world.provider.list_machines(world.cluster.uuid)
        assert (seen.state, "another host key" in seen.detail) == (MachineState.STOPPED, True)
        other = World(world.provider, builders.cluster(shape=world.cluster.shape), "host")
        await other.place()
        await other.provider.delete_all(other.cluster.uuid)
    finally:
        yard.on(
            name, "cd /etc/ssh; mv kept ssh_host_ed25519_key; rm -f ssh_host_ed25519_key.pub; systemctl restart ssh"
        )
