"""What only the docker provider promises: networks apart, addresses that last, half-made nodes finished, limits, clear refusals."""

import asyncio
import gzip
import hashlib
import ipaddress
import itertools
import json
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from jeroboam import artifacts
from jeroboam.contracts import Flavor, MachineState
from jeroboam.domain import Role
from jeroboam.domain.errors import HostUnsupported, ProviderRefused, ProviderUnavailable
from jeroboam.providers.docker import DockerProvider, DockerSettings, inspect_host
from jeroboam.providers.docker.trial import remove_left
from jeroboam.testing import builders
from jeroboam.testing.provider_suite import WELL, World

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.timeout(3000)]


def docker(*argv: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image_id() -> str:
    return asyncio.run(artifacts.build_node_image()).tag


@pytest.fixture
async def provider() -> AsyncIterator[DockerProvider]:
    provider = DockerProvider(DockerSettings())
    await provider.start()
    yield provider
    await provider.stop()


@pytest.fixture
async def world(provider: DockerProvider, image_id: str) -> AsyncIterator[World]:
    world = World(provider, builders.cluster(name="docker-test"), image_id)
    yield world
    await provider.delete_all(world.cluster.uuid)


async def reaches(name: str, address: str, port: int = 9999) -> bool:
    probe = f"timeout 2 bash -c 'echo >/dev/tcp/{address}/{port}'"
    done = await asyncio.to_thread(
        subprocess.run, ["docker", "exec", name, "sh", "-c", probe], capture_output=True, timeout=30, check=False
    )
    return done.returncode == 0


async def listen(name: str, port: int = 9999) -> None:
    server = f"socat TCP-LISTEN:{port},fork,reuseaddr /dev/null"
    await asyncio.to_thread(docker, "exec", "-d", name, "sh", "-c", server)
    for _ in range(50):
        if await reaches(name, "127.0.0.1", port):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name} does not listen")


async def test_nodes_of_two_clusters_cannot_reach_each_other(world: World) -> None:
    other = World(world.provider, builders.cluster(name="docker-test"), world.image_id)
    try:
        made = {}
        for one, index in ((world, 0), (world, 1), (other, 0)):
            network, endpoint = await one.place()
            spec = one.spec(index)
            made[one.cluster.uuid, index] = await one.provider.ensure_machine(spec, network, endpoint, WELL)
        a0, a1 = made[world.cluster.uuid, 0], made[world.cluster.uuid, 1]
        b0 = made[other.cluster.uuid, 0]
        for machine in (a1, b0):
            await listen(machine.name)
        assert a1.address
        assert b0.address
        assert await reaches(a0.name, a1.address)
        assert not await reaches(a0.name, b0.address)
        assert not await reaches(b0.name, a1.address)
    finally:
        await world.provider.delete_all(other.cluster.uuid)


async def test_the_first_control_plane_holds_the_endpoint_and_publishes_it_on_loopback_only(world: World) -> None:
    network, endpoint = await world.place()
    spec = world.spec(role=Role.CONTROL_PLANE, group="masters")
    machine = await world.provider.ensure_machine(spec, network, endpoint, WELL)
    assert machine.address == endpoint.inside.host
    assert endpoint.outside is not None
    ports = json.loads(docker("inspect", "-f", "{{json .NetworkSettings.Ports}}", spec.name))
    assert ports == {"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(endpoint.outside.port)}]}


@pytest.mark.parametrize("how", [("restart", "-t", "3"), ("kill",)])
async def test_a_node_keeps_its_address_over_a_restart(world: World, how: tuple[str, ...]) -> None:
    network, endpoint = await world.place()
    specs = [world.spec(index) for index in range(2)]
    before = [await world.provider.ensure_machine(spec, network, endpoint, WELL) for spec in specs]
    for spec in specs:
        docker(*how, spec.name)
    for spec in reversed(specs):  # a stopped machine is started again, in any order
        await world.provider.ensure_machine(spec, network, endpoint, WELL)
    after = await world.provider.list_machines(world.cluster.uuid)
    assert [(m.id, m.address, m.state) for m in after] == [(m.id, m.address, MachineState.RUNNING) for m in before]
    for machine in after:
        live = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", machine.name)
        assert live == machine.address


async def test_a_node_that_was_made_but_never_started_is_made_anew(world: World) -> None:
    network, endpoint = await world.place()
    spec = world.spec()
    label = f"jeroboam.cluster={world.cluster.uuid}"
    half = ["--label", label, "--label", "jeroboam.group=workers", "--label", "jeroboam.role=worker"]
    half += ["--label", "jeroboam.index=0", "--label", "jeroboam.address=10.0.0.9"]
    docker("create", "--name", spec.name, *half, world.image_id)
    [seen] = await world.provider.list_machines(world.cluster.uuid)
    assert seen.state is MachineState.BUILDING
    made = await world.provider.ensure_machine(spec, network, endpoint, WELL)
    assert made.state is MachineState.RUNNING
    assert made.address != "10.0.0.9"
    assert (await world.settled(spec.name, 60)).done


async def test_a_container_of_somebody_else_is_not_touched(world: World) -> None:
    network, endpoint = await world.place()
    spec = world.spec()
    docker("create", "--name", spec.name, world.image_id)
    try:
        with pytest.raises(ProviderRefused, match="not ours"):
            await world.provider.ensure_machine(spec, network, endpoint, WELL)
        assert docker("inspect", "-f", "{{.State.Status}}", spec.name) == "created"
    finally:
        docker("rm", "-f", spec.name)


async def test_flavors_are_limits_and_more_cores_than_the_host_has_are_all_of_them(image_id: str, world: World) -> None:
    huge = Flavor("huge", "huge", vcpus=4096, ram_mib=700)
    provider = DockerProvider(replace(DockerSettings(), flavors=(huge,)))
    await provider.start()
    try:
        network, endpoint = await world.place()
        spec = replace(world.spec(), flavor_id="huge")
        await provider.ensure_machine(spec, network, endpoint, WELL)
        limits = json.loads(docker("inspect", "-f", "{{json .HostConfig}}", spec.name))
        cpus = int(docker("info", "-f", "{{.NCPU}}"))
        assert (limits["Memory"], limits["NanoCpus"]) == (700 * 2**20, cpus * 10**9)
        assert not limits["Privileged"]
    finally:
        await provider.stop()


async def test_no_subnet_left_is_said(world: World) -> None:
    room = ipaddress.IPv4Network("10.217.42.0/24")  # outside the usual pool, where clusters of others may be
    small = DockerProvider(replace(DockerSettings(), pool=room))
    await small.start()
    other = World(small, builders.cluster(name="docker-test"), world.image_id)
    third = World(small, builders.cluster(name="docker-test"), world.image_id)
    try:
        await other.place()
        with pytest.raises(ProviderRefused, match="No /24 network"):
            await third.place()
    finally:
        for one in (other, third):
            await small.delete_all(one.cluster.uuid)
        await small.stop()


async def test_no_daemon_is_a_clear_error(tmp_path: Path) -> None:
    provider = DockerProvider(DockerSettings(host=f"unix://{tmp_path}/none.sock"))
    with pytest.raises(HostUnsupported, match=r"No Docker daemon answers at unix://.*none.sock") as caught:
        await provider.start()
    assert "Start Docker" in caught.value.hint
    findings = await inspect_host(f"unix://{tmp_path}/none.sock")
    assert [(f.name, f.level) for f in findings if f.level == "fail"] == [("docker", "fail")]
    await provider.stop()


async def test_the_doctor_finds_docker_and_the_image(image_id: str, provider: DockerProvider) -> None:
    found = {f.name: f for f in await inspect_host(provider.settings.url)}
    assert found["docker"].level == "ok"
    assert image_id in found["node images"].value
    assert found["capabilities"].level == "ok"
    assert [f.cure for f in found.values() if f.level == "fail"] == []
    await no_trial_is_left()


async def no_trial_is_left() -> None:
    """Another service on this Docker may have one under way, for a moment."""
    for _ in range(60):
        if docker("ps", "-aq", "--filter", "label=jeroboam.trial") == "":
            return
        await asyncio.sleep(0.5)
    raise AssertionError(docker("ps", "-a", "--filter", "label=jeroboam.trial"))


async def test_a_trial_that_a_killed_process_left_is_removed_once_it_is_old(
    provider: DockerProvider, image_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = provider.daemon.containers

    async def of_this_test(labels: Mapping[str, str | None]) -> list[dict[str, Any]]:
        return [one for one in await everyone(labels) if "/jeroboam-probe-left" in one["Names"]]

    monkeypatch.setattr(provider.daemon, "containers", of_this_test)  # another service's may be at work
    labels = {"jeroboam.trial": "1"}
    await provider.daemon.create(
        "jeroboam-probe-left", {"Image": image_id, "Entrypoint": ["/bin/true"], "Labels": labels}
    )
    try:
        await remove_left(provider.daemon)
        assert docker("ps", "-aq", "--filter", "name=jeroboam-probe-left") != ""
        await remove_left(provider.daemon, older_s=0)
        assert docker("ps", "-aq", "--filter", "name=jeroboam-probe-left") == ""
    finally:
        docker("rm", "-f", "jeroboam-probe-left", check=False)


async def test_the_doctor_tells_what_the_kernel_can_do(image_id: str, provider: DockerProvider) -> None:
    """Held against another way to find out: what this machine's kernel was built with, or has loaded by now."""
    found = {f.name: f for f in await inspect_host(provider.settings.url)}
    lines = {
        "ip_vs": found["swarm routing mesh"],
        "esp4": found["swarm encrypted overlay"],
        "wireguard": found["flannel over wireguard"],
    }
    missing = {feature for feature, line in lines.items() if line.level == "warn"}
    assert await provider.lacking(lines, image_id) == missing
    for feature, line in lines.items():
        assert feature in line.value
        assert (f"modprobe {feature}" in line.cure) is (feature in missing)
    assert ("ip_vs" not in missing) is Path("/proc/net/ip_vs").exists()
    built = Path("/proc/config.gz")  # of this kernel; not every one shows it
    if built.exists():
        assert ("wireguard" in missing) is (b"CONFIG_WIREGUARD=" not in gzip.decompress(built.read_bytes()))
    await no_trial_is_left()


@dataclass
class OwnDaemon:
    """A second dockerd in a network namespace of its own: killing it hurts no other test, and the first one keeps its bridge."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        for pid_file in self.folder.rglob("*.pid"):
            pid_file.unlink()
        argv = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
        argv += ["dockerd", "-H", self.url, "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"]
        argv += ["--pidfile", f"{self.folder}/docker.pid"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        for _ in range(300):
            if subprocess.run(["docker", "-H", self.url, "version"], capture_output=True, check=False).returncode == 0:
                return
            subprocess.run(["sleep", "0.1"], check=True)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)


@pytest.fixture
def own_daemon() -> Iterator[OwnDaemon]:
    if shutil.which("dockerd") is None:
        pytest.skip("dockerd is not on this machine")
    with tempfile.TemporaryDirectory(
        ignore_cleanup_errors=True
    ) as folder:  # short: a socket's path has 107 bytes at most
        daemon = OwnDaemon(Path(folder))
        try:
            daemon.start()
            yield daemon
        finally:
            daemon.stop()


def import_tiny(tag: str, *argv: str) -> None:
    """An image of one program, which boots nothing and takes no time."""
    hello = artifacts.binary_path(None, "hello")
    tar = subprocess.run(["tar", "-C", str(hello.parent), "-c", "hello"], capture_output=True, check=True).stdout
    change = ["--change", 'CMD ["/hello", "sleep"]', "--change", "LABEL jeroboam.node-image=1"]
    subprocess.run(["docker", *argv, "import", *change, "-", tag], input=tar, check=True, stdout=subprocess.DEVNULL)


async def test_addresses_survive_a_restart_of_the_daemon(own_daemon: OwnDaemon) -> None:
    import_tiny("tiny:1", "-H", own_daemon.url)
    settings = replace(DockerSettings(), host=own_daemon.url, pool=ipaddress.IPv4Network("10.88.0.0/16"))
    provider = DockerProvider(settings)
    await provider.start()
    world = World(provider, builders.cluster(name="docker-test"), "tiny:1")
    place = await world.place()
    for index in range(3):
        await provider.ensure_machine(world.spec(index), *place, WELL)
    before = await provider.list_machines(world.cluster.uuid)
    own_daemon.stop()
    own_daemon.start()
    assert await world.place() == place
    for index in (2, 0, 1):
        await provider.ensure_machine(world.spec(index), *place, WELL)
    after = await provider.list_machines(world.cluster.uuid)
    assert [(m.id, m.address) for m in after] == [(m.id, m.address) for m in before]
    await provider.delete_all(world.cluster.uuid)
    assert list(await provider.list_resources()) == []
    await provider.stop()


async def test_clusters_made_side_by_side_have_ports_of_their_own(provider: DockerProvider) -> None:
    narrow = DockerProvider(replace(provider.settings, ports=range(25100, 25104)))  # nobody else's
    await narrow.start()
    worlds = [World(narrow, builders.cluster(name="docker-test"), "none") for _ in range(4)]
    try:
        places = await asyncio.gather(*(one.place() for one in worlds))
        ports = [endpoint.outside.port for _, endpoint in places if endpoint.outside]
        assert sorted(ports) == [25100, 25101, 25102, 25103]
    finally:
        for one in worlds:
            await narrow.delete_all(one.cluster.uuid)
        await narrow.stop()


@pytest.fixture
def tiny() -> Iterator[str]:
    tag = f"jeroboam-test/tiny:{uuid.uuid4().hex[:8]}"
    import_tiny(tag)
    yield tag
    docker("rmi", "-f", tag)


async def test_processes_that_all_begin_at_the_same_port_and_network_make_their_clusters_at_once(
    provider: DockerProvider, tiny: str
) -> None:
    """The providers know nothing of each other's locks; their clusters' uuids were sought so that all choose the same."""
    pool, ports = ipaddress.IPv4Network("10.217.48.0/21"), range(25200, 25208)
    settings = replace(provider.settings, pool=pool, ports=ports)
    providers = [DockerProvider(settings) for _ in range(3)]
    drawn = (str(uuid.uuid4()) for _ in itertools.count())
    same = (one for one in drawn if int(hashlib.sha256(one.encode()).hexdigest(), 16) % 8 == 0)
    shape = replace(builders.template().shape, image_id=tiny)
    worlds = [World(one, builders.cluster(name="race", uuid=next(same), shape=shape), tiny) for one in providers]

    async def make(world: World) -> tuple[str, str]:
        network, endpoint = await world.place()
        spec = replace(world.spec(role=Role.CONTROL_PLANE, group="masters"), first=True)
        machine = await world.provider.ensure_machine(spec, network, endpoint, WELL)
        assert machine.state is MachineState.RUNNING
        assert (await world.place())[1].outside == machine.outside
        return network.cidr, docker("port", machine.name)

    try:
        await asyncio.gather(*(one.start() for one in providers))
        made = await asyncio.gather(*map(make, worlds))
        assert len({cidr for cidr, _ in made}) == len({published for _, published in made}) == 3
    finally:
        await asyncio.gather(*(one.provider.delete_all(one.cluster.uuid) for one in worlds))
        await asyncio.gather(*(one.stop() for one in providers))


async def test_a_stopped_node_whose_network_vanished_is_tried_again_not_a_bug(world: World) -> None:
    network, endpoint = await world.place()
    spec = world.spec()
    await world.provider.ensure_machine(spec, network, endpoint, WELL)
    docker("kill", spec.name)
    docker("network", "rm", network.name)
    with pytest.raises(ProviderUnavailable, match="network"):
        await world.provider.ensure_machine(spec, network, endpoint, WELL)
