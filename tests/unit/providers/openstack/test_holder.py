"""An address that control planes hold in turn: the election, what goes over the wire, and what a boot has of it."""

import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.providers.openstack.cloud import Cloud
from tests.unit.providers.openstack.worlds import KEY, SETTINGS, cloud_of

from jeroboam.contracts import Command, File, Machine, MachineRequest, NetworkSpec, NodeConfig
from jeroboam.domain import Role
from jeroboam.providers.openstack import OpenStackProvider, holder, virtual_address
from jeroboam.providers.openstack.holder import Election, Talk, Word
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import WELL, World

SPEC = NetworkSpec(endpoint_port=2376, control_planes=3, inner_ports=(2377, 2378))
A, B, C = "10.0.0.11", "10.0.0.12", "10.0.0.13"  # of nodes


def test_who_hears_nobody_for_long_enough_takes_it() -> None:
    one = Election(2, A, heard_at=100.0)
    assert not one.decide(well=True, now=104.5)  # 3.5 s and half a second for each rank
    assert one.decide(well=True, now=104.6)
    assert one.decide(well=True, now=104.7)  # and keeps it


def test_who_does_not_answer_itself_takes_nothing_and_lets_go() -> None:
    one = Election(0, A)
    assert not one.decide(well=False, now=50.0)
    assert one.decide(well=True, now=51.0)
    assert not one.decide(well=False, now=52.0)


def test_a_holder_that_is_heard_is_left_alone_also_by_a_lower_rank() -> None:
    lower = Election(0, A)
    lower.heard(2, B, 10.0)
    assert not lower.decide(well=True, now=11.0)


@pytest.mark.parametrize(("other", "address", "keeps"), [(0, C, False), (2, A, True), (1, A, False), (1, C, True)])
def test_of_two_holders_the_lower_rank_keeps_it_then_the_lower_address(other: int, address: str, keeps: bool) -> None:
    one = Election(1, B, holds=True)
    one.heard(other, address, 10.0)
    assert one.decide(well=True, now=10.1) is keeps


@given(
    st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=20),
    st.integers(0, 2),
)
def test_whatever_happens_one_holds_it_once_all_hear_each_other_again(history: list[list[bool]], well: int) -> None:
    """In each second of the history some are well; words get lost whenever the first is not."""
    nodes = [Election(rank, own, heard_at=0.0) for rank, own in enumerate((C, B, A))]
    now = 0.0

    def second(states: list[bool], *, lost: bool) -> None:
        for node, state in zip(nodes, states, strict=True):
            if node.decide(well=state, now=now) and not lost:
                for other in nodes:
                    if other is not node:
                        other.heard(node.rank, node.own, now)

    for states in history:
        now += 1.0
        second(states, lost=not states[0])
    for _ in range(7):
        now += 1.0
        second([rank == well or rank == 0 for rank in range(3)], lost=False)
    assert sum(node.holds for node in nodes) == 1


def test_only_words_under_the_clusters_key_are_read() -> None:
    word = Word(12, A, 1_700_000_000_003)
    packet = holder.sign(b"k" * 32, word)
    assert packet[32:] == b"12 10.0.0.11 1700000000003"
    assert holder.read(b"k" * 32, packet) == word
    assert holder.read(b"x" * 32, packet) is None
    assert holder.read(b"k" * 32, packet[:-1] + b"4") is None
    assert holder.read(b"k" * 32, b"") is None
    assert holder.read(b"k" * 32, hmac.digest(b"k" * 32, b"12", "sha256") + b"12") is None


def _talk(own: str, rank: int = 0) -> Talk:
    return Talk(holder.Settings("10.0.0.5", (2376,), rank, b"k" * 32), own)


def test_a_word_counts_once_and_none_counts_that_was_said_before_it() -> None:
    speaker, listener = _talk(A, 1), _talk(B)
    first, second = speaker.say(1000.0), speaker.say(1001.0)
    assert listener.hear(second, 1001.0) == Word(1, A, 1_001_000)
    assert listener.hear(second, 1001.5) is None
    assert listener.hear(first, 1001.5) is None
    assert listener.hear(_talk(C).say(1000.0), 1001.5) == Word(0, C, 1_000_000)  # each has a time of its own
    assert listener.hear(speaker.say(1002.0), 1002.0) == Word(1, A, 1_002_000)


def test_words_at_the_own_rank_are_anothers_when_they_bear_its_address() -> None:
    listener = _talk(B, 1)
    assert listener.hear(listener.say(1000.0), 1000.0) is None
    assert listener.hear(_talk(A, 1).say(1000.0), 1000.0) == Word(1, A, 1_000_000)


@pytest.mark.parametrize(("now", "counts"), [(5300.0, True), (5300.1, False), (4700.0, True), (4699.9, False)])
def test_who_has_just_begun_believes_no_word_of_long_ago(
    now: float, counts: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    word = _talk(A).say(5000.0)
    listener = _talk(B)
    assert (listener.hear(word, now) is not None) is counts
    assert listener.hear(word, now) is None
    said = (
        f"a word of 10.0.0.11 does not count, it is {now - 5000:.0f} s old: the clocks differ, or somebody repeats it\n"
    )
    assert capsys.readouterr().out == ("" if counts else said)  # not at each word


def test_words_go_on_when_the_clock_is_set_back() -> None:
    speaker, listener = _talk(A), _talk(B)
    assert listener.hear(speaker.say(1000.0), 1000.0)
    assert listener.hear(speaker.say(900.0), 900.0) == Word(0, A, 1_000_001)


def test_clocks_that_were_hours_ahead_and_are_set_right_silence_nobody() -> None:
    speaker, right, wrong = _talk(A), _talk(B), _talk(C)
    ahead = speaker.say(9000.0)
    assert right.hear(ahead, 1000.0) is None
    assert wrong.hear(ahead, 9000.0)
    word = speaker.say(1001.0)
    assert right.hear(word, 1001.0) == wrong.hear(word, 1001.0) == Word(0, A, 1_001_000)
    assert wrong.hear(word, 1001.5) is None
    assert wrong.hear(ahead, 1001.5) is None


def test_neighbours_are_told_by_a_request_for_the_own_address() -> None:
    """Source: RFC 826, the packet; RFC 9568, 8.1.2 (gratuitous ARP)."""
    frame = holder.arp(bytes.fromhex("fa163e000001"), bytes([10, 0, 0, 5]))
    assert frame.hex() == (
        "ffffffffffff fa163e000001 0806 0001 0800 06 04 0001 fa163e000001 0a000005 000000000000 0a000005".replace(
            " ", ""
        )
    )


def test_what_comes_for_the_address_is_led_to_the_nodes_own() -> None:
    rules = holder._rules("10.0.0.5", holder.Way("ens3", "10.0.0.11", "10.0.0.255"))
    assert [" ".join(rule) for rule in rules] == [
        "PREROUTING -d 10.0.0.5/32 -j DNAT --to-destination 10.0.0.11",
        "OUTPUT -d 10.0.0.5/32 -j DNAT --to-destination 10.0.0.11",
    ]


def test_a_program_that_does_not_end_is_an_error_like_any_other() -> None:
    with pytest.raises(OSError, match=r"^sleep 600: it did not end within 0\.01 s$"):
        holder._run_program("sleep", "600", limit_s=0.01)


def test_a_boot_has_the_holder_first_and_its_key_closed() -> None:
    config = NodeConfig("master-1", (File("/etc/x", b"x"),), (Command("join", ("true",)),))
    made = virtual_address.held(config, "10.0.0.5", (2376, 2377), 1, b"\1" * 32)
    files = {file.path: file for file in made.files}
    settings = files["/etc/jeroboam/node/holder.json"]
    assert settings.mode == 0o600
    assert json.loads(settings.content) == {"address": "10.0.0.5", "ports": [2376, 2377], "rank": 1, "key": "01" * 32}
    assert (
        b"ExecStart=/usr/bin/python3 /etc/jeroboam/node/holder.py\n"
        in files["/etc/systemd/system/jeroboam-holder.service"].content
    )
    assert files["/etc/jeroboam/node/holder.py"].content.startswith(b'"""Runs on each control plane')
    assert [command.name for command in made.commands] == ["virtual-address", "join"]


@pytest.fixture
def world() -> World:
    shape = replace(builders.template().shape, coe="swarm", image_id="node")
    provider = OpenStackProvider(Cloud(), SETTINGS)
    provider.use_key(KEY)
    return World(provider, builders.cluster(name="suite", shape=shape), "node", "m1.small")


async def _heads(world: World) -> dict[str, Machine]:
    network, endpoint = await world.place(SPEC)
    assert isinstance(world.provider, OpenStackProvider)
    specs = [world.spec(index, Role.CONTROL_PLANE) for index in range(3)] + [world.spec()]
    made = await world.provider.ensure_machines([MachineRequest(spec, WELL) for spec in specs], network, endpoint)
    return {name: one for name, one in made.items() if isinstance(one, Machine)}


async def test_several_control_planes_without_a_balancer_share_an_address(world: World) -> None:
    specs = [world.spec(index, Role.CONTROL_PLANE) for index in range(3)]
    assert await world.provider.preflight(world.cluster, specs) == []
    machines = await _heads(world)
    _, endpoint = await world.place(SPEC)
    assert endpoint.balanced
    assert endpoint.inside.host not in {one.address for one in machines.values()}
    cloud, keys = cloud_of(world), set()
    for name, one in machines.items():
        assert (await world.settled(name, 5)).done
        stack, node = cloud.things.nodes[one.id]
        files = node.opened(cloud.things.servers[one.id]["metadata"]["jeroboam_key"])
        assert files is not None
        port = stack.template["resources"].get(f"{name}.port", {}).get("properties", {})
        if one.role is Role.WORKER:
            assert "/etc/jeroboam/node/holder.json" not in files
            assert "allowed_address_pairs" not in port
            continue
        settings = json.loads(files["/etc/jeroboam/node/holder.json"])
        keys.add(settings.pop("key"))
        assert settings == {"address": endpoint.inside.host, "ports": [2376, 2377, 2378], "rank": one.index}
        assert port["allowed_address_pairs"] == [{"ip_address": endpoint.inside.host}]
    assert len(keys) == 1


async def test_each_cluster_has_a_key_of_its_own(world: World) -> None:
    assert isinstance(world.provider, OpenStackProvider)
    keys = world.provider._keys
    assert keys.of_cluster("a", "holder") != keys.of_cluster("b", "holder")
    assert keys.of_cluster("a", "holder") != keys.of_cluster("a", "other")
    assert len(keys.of_cluster("a", "holder")) == 32
