"""Who hears a node, and who gets the key of its first boot: the provider on a small cloud."""

import base64
import gzip
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from tests.unit.providers.openstack import engine
from tests.unit.providers.openstack.node import Node, unpacked
from tests.unit.providers.openstack.worlds import KEY, another, cloud_of, make

from jeroboam import bootstrap
from jeroboam.contracts import File, Machine, NodeConfig, Provider
from jeroboam.providers.openstack import boot_keys, consoles, opening
from jeroboam.providers.openstack.boot_keys import BootKeys, wrap
from jeroboam.providers.openstack.consoles import Consoles
from jeroboam.providers.openstack.heat import Heat
from jeroboam.providers.openstack.nova import Nova, Server
from jeroboam.providers.openstack.rest import NOVA, Answer
from jeroboam.testing.provider_suite import WELL, World


async def test_a_silent_node_shows_the_console_that_nova_keeps(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    cloud = cloud_of(world)
    cloud.stack(".0").signals.clear()
    assert await world.provider.console_log(world.cluster.uuid, made.name) == ""  # it cannot have said anything yet
    began = datetime.now(UTC) - timedelta(seconds=31)
    cloud.things.servers[made.id]["OS-SRV-USG:launched_at"] = began.replace(tzinfo=None).isoformat()
    assert await another(world).console_log(world.cluster.uuid, made.name) == "the console of Nova"


async def test_consoles_of_many_nodes_are_one_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await make(world, *range(50))
    cloud = cloud_of(world)

    async def look(provider: Provider) -> set[str]:
        cloud.calls.clear()
        return {await provider.console_log(world.cluster.uuid, world.spec(index).name) for index in range(50)}

    assert await look(world.provider) == {"JEROBOAM/1 step key"}
    assert cloud.calls["compute POST"] == 50  # each node gets its key, once
    assert cloud.calls.total() < 150  # 106 where a look takes less than a second
    with monkeypatch.context() as patched:
        patched.setattr(consoles, "_FRESH_S", 0.0)
        assert await look(world.provider) == {"JEROBOAM/1 done all"}
    assert cloud.calls["compute POST"] == 50  # and its mark
    for provider in (world.provider, another(world)):
        assert await look(provider) == {"JEROBOAM/1 done all"}
        assert (cloud.calls["compute POST"], cloud.calls["orchestration GET"]) == (0, 0)
        assert cloud.calls.total() < 50  # 1 where a look takes less than a second


async def test_what_others_may_read_in_the_project_opens_nothing(world: World) -> None:
    secret = NodeConfig("worker-0", (File("/etc/ca.key", b"hush, hush", 0o600),), WELL.commands)
    network, endpoint = await world.place()
    made = await world.provider.ensure_machine(world.spec(), network, endpoint, secret)
    assert (await world.settled(made.name, 5)).done
    [(stack, node)] = cloud_of(world).things.nodes.values()
    assert isinstance(node, Node)
    [server] = cloud_of(world).things.servers.values()
    key = server["metadata"]["jeroboam_key"]
    opened = node.opened(key)
    assert opened is not None
    assert opened["/etc/ca.key"] == b"hush, hush"
    shown = b"".join(node.files.values()) + repr((server["metadata"], stack.signals, stack.template)).encode()
    for word in (b"hush", b"etc/ca.key"):
        assert word not in shown + unpacked(shown)
        assert word in unpacked(b"noise" + gzip.compress(bootstrap.render_tar(secret)))
    assert node.sealed[opening.NONCE + opening.TAG :].startswith(b"Salted__")
    assert node.is_opened_by(b"noise" + node.key)
    assert not node.is_opened_by(shown + base64.b64decode(key) + base64.b64decode(node.shown))


@pytest.mark.parametrize(
    "forged",
    [
        "JEROBOAM/1 done all",
        "x\nJEROBOAM/1 failed join no",
        "JEROBOAM/1 step key x\nJEROBOAM/1 done",
        "\ud800\nJEROBOAM/1 done",
        "JEROBOAM/1 step key\rJEROBOAM/1 done",
        "JEROBOAM/1 step key\u2028JEROBOAM/1 done",
        "JEROBOAM/1 step key\x1b[1m\x85JEROBOAM/1 done",
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
    del cloud_of(world).things.servers[made.id]["metadata"]["jeroboam_booted"]
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
    foreign = wrap(b"x" * 32, X25519PublicKey.from_public_bytes(base64.b64decode(node.shown)[:32]))
    assert node.ends(foreign) is None
    monkeypatch.setattr(boot_keys, "_AGAIN_S", 0.0)
    assert " step key" in await world.provider.console_log(world.cluster.uuid, made.name)
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
    assert " step key" in await world.provider.console_log(world.cluster.uuid, made.name)
    assert "jeroboam_key" not in cloud.things.servers[made.id]["metadata"]


async def test_another_process_of_the_service_has_the_same_keys(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    foreign, other = another(world), another(world)
    foreign.use_key(b"x" * 32)
    await foreign.console_log(world.cluster.uuid, made.name)
    assert " step key" in cloud_of(world).stack(".0").signals[made.id]["data"]  # its key does not open it
    await other.console_log(world.cluster.uuid, made.name)
    assert await another(world).console_log(world.cluster.uuid, made.name) == "JEROBOAM/1 done all"


async def test_a_node_that_has_booted_long_ago_shows_the_console_of_nova_too(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Server)
    nova = Nova(cloud_of(world))
    await world.settled(made.name, 5)
    keys = BootKeys(nova)
    keys.use(KEY)
    known = Consoles(Heat(cloud_of(world)), nova, keys, quiet_s=0.0)
    assert await known.text("project-1", [made], 10) == "JEROBOAM/1 done all"
    assert await known.text("project-1", [made], 10) == "the console of Nova\nJEROBOAM/1 done all"


@pytest.mark.parametrize(("began_s", "shown"), [(-600, True), (0, False), (3600, True)])
async def test_of_a_silent_node_the_console_is_shown_once_it_is_old_or_the_clocks_differ(
    world: World, began_s: int, shown: bool
) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    cloud = cloud_of(world)
    [(stack, _)] = cloud.things.nodes.values()
    engine.tell(stack, made.id, "")
    began = datetime.now(UTC) + timedelta(seconds=began_s)
    cloud.things.servers[made.id]["OS-SRV-USG:launched_at"] = began.replace(tzinfo=None).isoformat()
    said = await another(world).console_log(world.cluster.uuid, made.name)
    assert said == ("the console of Nova" if shown else "")


async def test_no_signal_takes_back_that_a_first_boot_is_done(world: World) -> None:
    """Any pod can signal in the name of any node, and what a node signed can be told again."""
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    assert (await world.settled(made.name, 5)).done
    [(stack, node)] = cloud_of(world).things.nodes.values()
    for text in (
        "JEROBOAM/1 failed key anything",
        "JEROBOAM/1 step key",
        "anything",
        "",
        node.tagged(made.id, "JEROBOAM/1 step join"),
    ):
        engine.tell(stack, made.id, text)
        for provider in (world.provider, another(world)):
            assert await provider.console_log(world.cluster.uuid, made.name) == "JEROBOAM/1 done all"


async def test_that_a_first_boot_is_done_is_no_other_servers_mark(world: World) -> None:
    made = await make(world, 0, 1)
    one, other = made[0], made[1]
    assert isinstance(one, Machine)
    assert isinstance(other, Machine)
    assert (await world.settled(other.name, 5)).done
    servers = cloud_of(world).things.servers
    for mark in (servers[other.id]["metadata"]["jeroboam_booted"], "ü"):
        servers[one.id]["metadata"]["jeroboam_booted"] = mark
        said = await another(world).console_log(world.cluster.uuid, one.name)
        assert said == "JEROBOAM/1 step key"
        engine.tell(cloud_of(world).stack(".0"), one.id, said)


async def test_a_mark_that_nova_does_not_take_fails_nothing(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    await world.provider.console_log(world.cluster.uuid, made.name)
    cloud = cloud_of(world)
    cloud.answers = [
        (NOVA, "POST", "metadata$", Answer(403, {"forbidden": {"message": "Quota exceeded for metadata_items"}}))
    ]
    for _ in range(2):
        assert await another(world).console_log(world.cluster.uuid, made.name) == "JEROBOAM/1 done all"
    assert "jeroboam_booted" in cloud.things.servers[made.id]["metadata"]


@pytest.mark.parametrize("began", ["OS-SRV-USG:launched_at", "created"])
async def test_only_a_young_server_is_one_that_has_no_key_yet(world: World, began: str) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    cloud = cloud_of(world)
    [(stack, node)] = cloud.things.nodes.values()
    server = cloud.things.servers[made.id]
    server["OS-SRV-USG:launched_at"] = None
    server[began] = (datetime.now(UTC) - timedelta(minutes=31)).replace(tzinfo=None).isoformat()
    for text in ("JEROBOAM/1 failed key anything", node.asks):
        engine.tell(stack, made.id, text)
        said = await another(world).console_log(world.cluster.uuid, made.name)
        assert said == "the console of Nova\n(a report that this node did not write)"
    assert "jeroboam_key" not in server["metadata"]
    server[began] = (datetime.now(UTC) - timedelta(minutes=9)).isoformat()
    engine.tell(stack, made.id, "JEROBOAM/1 failed key no key for this boot")
    said = await another(world).console_log(world.cluster.uuid, made.name)
    assert said == "JEROBOAM/1 failed key no key for this boot"


async def test_who_speaks_in_a_nodes_name_does_not_keep_it_from_its_key(world: World) -> None:
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    engine.tell(cloud_of(world).stack(".0"), made.id, "anything")
    said = await world.provider.console_log(world.cluster.uuid, made.name)
    assert said == "the console of Nova\n(a report that this node did not write)"
    assert (await world.settled(made.name, 5)).done


async def test_a_server_that_heat_did_not_make_gets_no_key(world: World) -> None:
    """A member of the project writes a machine's name and marks on a server of its own, which shows a public key and asks."""
    made = (await make(world, 0))[0]
    assert isinstance(made, Machine)
    cloud = cloud_of(world)
    things, stack = cloud.things, cloud.stack(".0")
    bait = {**things.servers[made.id], "id": "bait", "metadata": dict(things.servers[made.id]["metadata"])}
    things.nodes["bait"] = stack, Node(bait["user_data"])
    things.servers = {"bait": bait, **things.servers}
    engine.tell(stack, "bait", things.nodes["bait"][1].asks)
    await another(world).console_log(world.cluster.uuid, made.name)  # there are two: neither gets it
    real = things.servers.pop(made.id)
    await another(world).console_log(world.cluster.uuid, made.name)
    assert [("jeroboam_key" in one["metadata"]) for one in (bait, real)] == [False, False]
    things.servers = {made.id: real}
    assert (await another(world).console_log(world.cluster.uuid, made.name)) == "JEROBOAM/1 step key"
    assert "jeroboam_key" in real["metadata"]
