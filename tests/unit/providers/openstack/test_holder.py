"""An address that control planes hold in turn: the election, what goes over the wire, and what a boot has of it."""

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
from jeroboam.providers.openstack.holder import Election
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import WELL, World

SPEC = NetworkSpec(endpoint_port=2376, control_planes=3, inner_ports=(2377, 2378))


def test_who_hears_nobody_for_long_enough_takes_it() -> None:
    one = Election(rank=2, heard_at=100.0)
    assert not one.decide(well=True, now=104.5)  # 3.5 s and half a second for each rank
    assert one.decide(well=True, now=104.6)
    assert one.decide(well=True, now=104.7)  # and keeps it


def test_who_does_not_answer_itself_takes_nothing_and_lets_go() -> None:
    one = Election(rank=0)
    assert not one.decide(well=False, now=50.0)
    assert one.decide(well=True, now=51.0)
    assert not one.decide(well=False, now=52.0)


def test_a_holder_that_is_heard_is_left_alone_also_by_a_lower_rank() -> None:
    lower = Election(rank=0)
    lower.heard(2, 10.0)
    assert not lower.decide(well=True, now=11.0)


@pytest.mark.parametrize(("other", "keeps"), [(0, False), (2, True)])
def test_of_two_holders_the_lower_rank_keeps_it(other: int, keeps: bool) -> None:
    one = Election(rank=1, holds=True)
    one.heard(other, 10.0)
    assert one.decide(well=True, now=10.1) is keeps


@given(
    st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=20),
    st.integers(0, 2),
)
def test_whatever_happens_one_holds_it_once_all_hear_each_other_again(history: list[list[bool]], well: int) -> None:
    """In each second of the history some are well; words get lost whenever the first is not."""
    nodes = [Election(rank, heard_at=0.0) for rank in range(3)]
    now = 0.0

    def second(states: list[bool], *, lost: bool) -> None:
        for node, state in zip(nodes, states, strict=True):
            if node.decide(well=state, now=now) and not lost:
                for other in nodes:
                    if other is not node:
                        other.heard(node.rank, now)

    for states in history:
        now += 1.0
        second(states, lost=not states[0])
    for _ in range(7):
        now += 1.0
        second([rank == well or rank == 0 for rank in range(3)], lost=False)
    assert sum(node.holds for node in nodes) == 1


def test_only_words_under_the_clusters_key_are_read() -> None:
    packet = holder.sign(b"k" * 32, 12)
    assert holder.read(b"k" * 32, packet) == 12
    assert holder.read(b"x" * 32, packet) is None
    assert holder.read(b"k" * 32, packet[:-1] + b"3") is None
    assert holder.read(b"k" * 32, b"") is None


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
