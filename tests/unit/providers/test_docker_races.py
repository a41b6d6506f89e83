"""Two processes on one Docker host: what Docker lets only one of them have, the other does without, and nobody fails.

The double of the daemon answers in Docker's words. Source: those of Docker 20.10, as seen.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from jeroboam.contracts import Address, Endpoint, Machine, Network, NetworkSpec
from jeroboam.domain import Role
from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.providers.docker.daemon import Daemon, Found, Missing, PortTaken, Taken
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import SPEC, WELL, World

pytestmark = pytest.mark.sockets  # whether somebody listens on a port is asked of this machine
POOL = ipaddress.IPv4Network("10.217.0.0/22")
PORTS = range(25300, 25304)
NEVER = "0001-01-01T00:00:00Z"
THREE = replace(SPEC, control_planes=3)


@dataclass
class Host:
    """What Docker keeps. `look`: as many look at it, and none acts before all have looked; as processes do that race."""

    networks: list[Found] = field(default_factory=list)
    containers: dict[str, Found] = field(default_factory=dict)
    volumes: dict[str, Found] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)  # ports that programs hold
    refusal: Taken | None = None  # of the next networks
    look: asyncio.Barrier | None = None
    tries: int = 0  # to start what publishes a port

    def running(self) -> dict[str, str | None]:
        """The port that each running container publishes."""
        running = {name: one for name, one in self.containers.items() if one["State"]["Running"]}
        return {name: _published(one) for name, one in running.items()}


def _published(container: Found) -> str | None:
    bound = [binding for some in container["HostConfig"].get("PortBindings", {}).values() for binding in some]
    return bound[0]["HostPort"] if bound else None


def _labelled(found: list[Found], labels: Mapping[str, str | None] | None) -> list[Found]:
    wanted = (labels or {}).items()
    return [one for one in found if all(k in one["Labels"] and v in (None, one["Labels"][k]) for k, v in wanted)]


class Process(Daemon):
    """One process's way to the host."""

    def __init__(self, host: Host) -> None:
        super().__init__("unix:///nowhere")
        self.host = host

    async def images(self, label: str) -> list[Found]:
        return [{"Id": "sha256:ab", "RepoTags": ["node:1"], "Labels": {"os_distro": "debian"}}]

    async def networks(self, labels: Mapping[str, str | None] | None = None) -> list[Found]:
        seen = _labelled(self.host.networks, labels)
        if labels is None and self.host.look is not None:
            await self.host.look.wait()
        return seen

    async def create_network(self, config: Found) -> str:
        await asyncio.sleep(0)
        if self.host.refusal:
            raise self.host.refusal
        subnet = ipaddress.IPv4Network(config["IPAM"]["Config"][0]["Subnet"])
        used = [ipaddress.IPv4Network(one["IPAM"]["Config"][0]["Subnet"]) for one in self.host.networks]
        if any(subnet.overlaps(other) for other in used):
            raise Taken("Pool overlaps with other one on this address space")
        self.host.networks.append({**config, "Id": config["Name"]})
        return str(config["Name"])

    async def containers(self, labels: Mapping[str, str | None]) -> list[Found]:
        made = [
            {"Id": name, "Names": [f"/{name}"], "Labels": one["Labels"], "State": one["State"]["Status"]}
            for name, one in self.host.containers.items()
        ]
        return _labelled([{**one, "Created": 0, "Status": ""} for one in made], labels)

    async def inspect(self, name: str) -> Found:
        if name not in self.host.containers:
            raise Missing(name)
        found = self.host.containers[name]
        return {**found, "Config": {"Labels": found["Labels"]}}

    async def create(self, name: str, config: Found) -> None:
        state = {"Running": False, "Restarting": False, "Status": "created", "StartedAt": NEVER}
        self.host.containers[name] = {"Labels": {}, **config, "State": state}

    async def unpack(self, name: str, tar: bytes) -> None:
        assert tar

    async def run(self, name: str) -> None:
        await asyncio.sleep(0)
        container = self.host.containers[name]
        port = _published(container)
        self.host.tries += port is not None
        if port and (int(port) in self.host.busy or port in self.host.running().values()):
            raise PortTaken(f"Bind for 127.0.0.1:{port} failed: port is already allocated")
        container["State"].update(Running=True, Status="running", StartedAt="2026-01-02T03:04:05Z")

    async def remove(self, name: str) -> None:
        self.host.containers.pop(name, None)

    async def volumes(self, labels: Mapping[str, str | None]) -> list[Found]:
        return _labelled(list(self.host.volumes.values()), labels)

    async def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        self.host.volumes.setdefault(name, {"Name": name, "Labels": dict(labels)})


def process(host: Host, ident: str = "") -> World:
    """A cluster in a process of its own."""
    provider = DockerProvider(DockerSettings(pool=POOL, ports=PORTS), Process(host))
    shape = replace(builders.template().shape, image_id="node:1")
    return World(provider, builders.cluster(name="racer", uuid=ident or str(uuid.uuid4()), shape=shape), "node:1")


def rivals() -> Iterator[str]:
    """Uuids of clusters that begin their search at the first port and the first network."""
    for number in range(1000):
        ident = str(uuid.UUID(int=number << 96))
        if int(hashlib.sha256(ident.encode()).hexdigest(), 16) % 4 == 0:
            yield ident


async def create(world: World) -> tuple[Network, Endpoint, Machine]:
    network, endpoint = await world.place()
    spec = replace(world.spec(role=Role.CONTROL_PLANE, group="masters"), first=True)
    return network, endpoint, await world.provider.ensure_machine(spec, network, endpoint, WELL)


async def publish(world: World, spec: NetworkSpec) -> Address:
    """Where the cluster's API is, once what publishes it runs."""
    network, endpoint = await world.place(spec)
    outside = endpoint.outside
    if not endpoint.balanced:
        first = replace(world.spec(role=Role.CONTROL_PLANE, group="masters"), first=True)
        outside = (await world.provider.ensure_machine(first, network, endpoint, WELL)).outside
    assert outside
    return outside


async def test_the_second_of_two_that_choose_the_same_network_and_port_has_others_at_once() -> None:
    host = Host(look=asyncio.Barrier(2))
    worlds = [process(host, ident) for ident, _ in zip(rivals(), range(2), strict=False)]
    one, other = await asyncio.gather(*map(create, worlds))
    assert (one[1].outside, other[1].outside) == (Address("127.0.0.1", 25300), Address("127.0.0.1", 25300))
    assert sorted(made[0].cidr for made in (one, other)) == ["10.217.0.0/24", "10.217.1.0/24"]
    assert len(set(host.running().values())) == 2
    for world, (_, _, machine) in zip(worlds, (one, other), strict=True):
        assert machine.outside
        assert host.running()[machine.name] == str(machine.outside.port)
        host.look = None
        assert (await world.place())[1].outside == machine.outside


async def test_balancers_that_choose_the_same_port_have_two() -> None:
    host = Host(look=asyncio.Barrier(2))
    worlds = [process(host, ident) for ident, _ in zip(rivals(), range(2), strict=False)]
    places = await asyncio.gather(*(world.place(replace(SPEC, control_planes=3)) for world in worlds))
    told = {str(endpoint.outside.port) for _, endpoint in places if endpoint.outside}
    assert told == set(host.running().values())
    assert len(told) == 2


async def test_the_port_of_a_cluster_that_moved_is_nobody_elses() -> None:
    """Its first port is only in its network's label, its last one only in its container's."""
    host = Host(busy={25300})
    first, second, third = (process(host, ident) for ident, _ in zip(rivals(), range(3), strict=False))
    moved = (await create(first))[2].outside
    assert moved
    assert moved.port != 25300
    host.busy.clear()
    next(iter(host.containers.values()))["State"].update(Running=False, Status="exited")
    others = [(await create(world))[2].outside for world in (second, third)]
    assert {one.port for one in (moved, *others) if one} == {25301, 25302, 25303}


@pytest.mark.parametrize("spec", [SPEC, THREE], ids=["one control plane", "balancer"])
async def test_what_published_a_cluster_that_moved_is_made_anew_where_its_users_know_it(spec: NetworkSpec) -> None:
    """And nowhere else, whoever has the place by now."""
    host = Host(busy={25300})
    world = process(host, next(rivals()))
    moved = await publish(world, spec)
    assert moved.port != 25300
    known = replace(world.cluster, api_address=f"https://{moved}", coe_version="v1.34.4")
    world = World(world.provider, known, "node:1")
    host.containers.clear()
    host.busy = {moved.port}
    with pytest.raises(ProviderUnavailable, match=f"Bind for {moved} failed: port is already allocated"):
        await publish(world, spec)
    assert host.containers == {}
    host.busy.clear()
    assert await publish(world, spec) == moved
    assert set(host.running().values()) == {str(moved.port)}


async def test_where_every_port_is_refused_it_says_so_and_is_tried_again_later() -> None:
    host = Host(busy=set(PORTS))
    with pytest.raises(
        ProviderUnavailable, match=r"racer-.* cannot start: Docker: .*port is already allocated"
    ) as told:
        await create(process(host))
    assert "Another program holds the port" in told.value.hint
    assert host.tries == 8
    assert host.containers == {}


async def test_a_stopped_machine_whose_port_was_taken_is_kept_and_waits() -> None:
    host = Host()
    world = process(host)
    _, _, machine = await create(world)
    host.containers[machine.name]["State"].update(Running=False, Status="exited")
    assert machine.outside
    host.busy = {machine.outside.port}
    with pytest.raises(ProviderUnavailable, match="port is already allocated"):
        await create(world)
    assert list(host.containers) == [machine.name]
    host.busy = set()
    assert (await create(world))[2].outside == machine.outside


async def test_a_deletion_that_fails_has_ended_all_that_it_began() -> None:
    host = Host()
    world = process(host)
    await create(world)
    [name] = host.containers
    host.containers["stubborn"] = {**host.containers[name], "Name": "stubborn"}

    class Slow(Process):
        async def remove(self, name: str) -> None:
            if name == "stubborn":
                raise ProviderUnavailable("Docker did not answer within 60 s.", after_s=1)
            await asyncio.sleep(0.05)
            await super().remove(name)

    provider = DockerProvider(DockerSettings(pool=POOL, ports=PORTS), Slow(host))
    with pytest.raises(ProviderUnavailable, match="did not answer"):
        await provider.delete_all(world.cluster.uuid)
    assert list(host.containers) == ["stubborn"]


async def test_a_refusal_that_is_no_overlap_does_not_count_as_a_used_up_pool() -> None:
    host = Host(refusal=Taken("authorization denied by plugin"))
    with pytest.raises(ProviderUnavailable, match=r"Docker refuses network jeroboam-racer-.*: authorization denied"):
        await process(host).place()
