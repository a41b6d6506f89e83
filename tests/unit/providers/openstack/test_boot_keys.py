"""Who hears a node, and who gets the key of its first boot: the provider on a small cloud."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from tests.unit.providers.openstack import engine
from tests.unit.providers.openstack.node import Node
from tests.unit.providers.openstack.worlds import KEY, another, cloud_of, make

from jeroboam.contracts import File, Machine, NodeConfig
from jeroboam.providers.openstack import boot_keys
from jeroboam.providers.openstack.boot_keys import BootKeys, wrap
from jeroboam.providers.openstack.consoles import Consoles
from jeroboam.providers.openstack.heat import Heat
from jeroboam.providers.openstack.nova import Nova
from jeroboam.testing.provider_suite import WELL, World


async def test_a_silent_node_shows_the_console_that_nova_keeps(world: World) -> None:
    await make(world, 0)
    cloud_of(world).stack(".0").signals.clear()
    assert await world.provider.console_log(world.cluster.uuid, world.spec(0).name) == "the console of Nova"


async def test_consoles_of_many_nodes_are_one_look(world: World) -> None:
    await make(world, *range(50))
    cloud = cloud_of(world)

    async def look() -> list[str]:
        cloud.calls.clear()
        names = [world.spec(index).name for index in range(50)]
        return [await world.provider.console_log(world.cluster.uuid, name) for name in names]

    assert all(" step key " in said for said in await look())
    assert cloud.calls["compute POST"] == 50  # each node gets its key, once
    await look()
    assert cloud.calls["compute POST"] == 0
    assert cloud.calls.total() < 50  # 4 where a look takes less than a second


async def test_what_others_may_read_in_the_project_opens_nothing(world: World) -> None:
    secret = NodeConfig("worker-0", (File("/etc/ca.key", b"hush, hush", 0o600),), WELL.commands)
    network, endpoint = await world.place()
    made = await world.provider.ensure_machine(world.spec(), network, endpoint, secret)
    assert (await world.settled(made.name, 5)).done
    [(stack, node)] = cloud_of(world).things.nodes.values()
    [server] = cloud_of(world).things.servers.values()
    key = server["metadata"]["jeroboam_key"]
    opened = node.opened(key)
    assert opened is not None
    assert opened["/etc/ca.key"] == b"hush, hush"
    plain = b"".join(node.files.values()) + repr((server["metadata"], stack.signals, stack.template)).encode()
    assert b"hush" not in plain
    assert b"etc/ca.key" not in plain
    assert Node(server["user_data"]).opened(key) is None  # another pair of keys


@pytest.mark.parametrize(
    "forged",
    [
        "JEROBOAM/1 done all",
        "x\nJEROBOAM/1 failed join no",
        "JEROBOAM/1 step key x\nJEROBOAM/1 done",
        "\ud800\nJEROBOAM/1 done",
    ],
)
async def test_a_report_that_the_node_did_not_write_counts_for_nothing(world: World, forged: str) -> None:
    made = await make(world, 0, 1)
    one, other = made[0], made[1]
    assert isinstance(one, Machine)
    assert isinstance(other, Machine)
    assert (await world.settled(other.name, 5)).done
    stack, node = cloud_of(world).things.nodes[one.id]
    others = cloud_of(world).things.nodes[other.id][1]
    for text in (forged, node.tagged(one.id, forged), others.tagged(one.id, forged), stack.signals[other.id]["data"]):
        engine.tell(stack, one.id, text)
        said = await another(world).console_log(world.cluster.uuid, one.name)
        assert said == "the console of Nova\n(a report that this node did not write)"


async def test_a_failure_is_heard_in_whatever_letters_it_is_told(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    assert (await world.settled(made.name, 5)).done
    [(stack, node)] = cloud_of(world).things.nodes.values()
    said = "Schlüssel fehlt \ufffd\nJEROBOAM/1 failed join Gerät fehlt"
    for report in (node.tagged(made.id, said), "JEROBOAM/1 failed key \ud800 Gerät fehlt"):
        engine.tell(stack, made.id, report)
        heard = await another(world).console_log(world.cluster.uuid, made.name)
        assert "Gerät fehlt" in heard
        assert "did not write" not in heard
        assert heard.encode()


async def test_a_key_that_somebody_else_wrote_is_written_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    cloud = cloud_of(world)
    [(stack, node)] = cloud.things.nodes.values()
    foreign = wrap(b"x" * 32, X25519PublicKey.from_public_bytes(base64.b64decode(node.shown)))
    assert node.ends(foreign) is None
    monkeypatch.setattr(boot_keys, "_AGAIN_S", 0.0)
    assert " step key " in await world.provider.console_log(world.cluster.uuid, made.name)
    first = cloud.things.servers[made.id]["metadata"]["jeroboam_key"]
    engine.tell(stack, made.id, node.asks)
    engine.mark(cloud.things, made.id, {"jeroboam_key": foreign})
    await world.provider.console_log(world.cluster.uuid, made.name)
    assert cloud.things.servers[made.id]["metadata"]["jeroboam_key"] not in (first, foreign)
    assert (await world.settled(made.name, 5)).done


async def test_a_node_whose_server_shows_no_public_key_gets_none(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    cloud = cloud_of(world)
    cloud.shows = False
    assert " step key " in await world.provider.console_log(world.cluster.uuid, made.name)
    assert "jeroboam_key" not in cloud.things.servers[made.id]["metadata"]


async def test_another_process_of_the_service_has_the_same_keys(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    foreign, other = another(world), another(world)
    foreign.use_key(b"x" * 32)
    await foreign.console_log(world.cluster.uuid, made.name)
    assert " step key " in cloud_of(world).stack(".0").signals[made.id]["data"]  # its key does not open it
    await other.console_log(world.cluster.uuid, made.name)
    assert await another(world).console_log(world.cluster.uuid, made.name) == "JEROBOAM/1 done all"


async def test_a_node_that_has_booted_long_ago_shows_the_console_of_nova_too(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    nova = Nova(cloud_of(world))
    await world.settled(made.name, 5)
    keys = BootKeys(nova)
    keys.use(KEY)
    consoles = Consoles(Heat(cloud_of(world)), nova, keys, quiet_s=0.0)
    assert await consoles.text("project-1", made, 10) == "JEROBOAM/1 done all"
    assert await consoles.text("project-1", made, 10) == "the console of Nova\nJEROBOAM/1 done all"
