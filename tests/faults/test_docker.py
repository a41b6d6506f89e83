"""Faults of Docker, by a proxy before the socket of the real daemon, which answers in its place or lets it answer."""

import asyncio
import ipaddress
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.faults.conftest import Sight
from tests.faults.docker_proxy import DockerProxy, Instead

from jeroboam import artifacts
from jeroboam.domain import Cluster, Operation
from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.testing.stage import Stage

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(3000)]
NETWORK = ("POST", "/networks/create")


@pytest.fixture(scope="module")
def image_id() -> str:
    return asyncio.run(artifacts.build_node_image()).tag


@dataclass
class Scene:
    """A cluster whose creation is asked for, on Docker behind a proxy."""

    stage: Stage
    proxy: DockerProxy
    cluster: Cluster
    create: Operation

    async def fails(self, sight: Sight) -> None:
        """The create ends by the fault; what it made goes with the cluster once the fault is gone."""
        sight.begins()
        done = await self.stage.run(self.create)
        sight.failed(done, (await self.stage.row(self.cluster)).cluster.status_reason)
        await self.goes()

    async def waits(self, sight: Sight, says: Callable[[str], bool]) -> None:
        """The create goes on, and says meanwhile what it waits for; the deletion stops it once the fault is gone."""
        sight.begins()
        running = asyncio.create_task(self.stage.run(self.create, within_s=90))
        while not says(said := (await self.stage.row(self.cluster)).cluster.status_reason or ""):
            assert not running.done()
            await asyncio.sleep(0.05)
        sight.waits(said)
        delete = await self.stage.ask_delete(self.cluster)
        await running
        self.proxy.rules.clear()
        assert (await self.stage.run(delete)).state == "succeeded"

    async def goes(self) -> None:
        self.proxy.rules.clear()
        assert (await self.stage.run(await self.stage.ask_delete(self.cluster))).state == "succeeded"


Maker = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def scene(stage: Stage, tmp_path: Path, image_id: str) -> AsyncIterator[Maker]:
    """Makes the scene, with settings of the provider and what the proxy answers."""
    behind = Path(DockerSettings().url.removeprefix("unix://"))
    proxy = DockerProxy(tmp_path / "docker.sock", behind)
    proxy.start()
    providers: list[DockerProvider] = []

    async def make(*rules: Instead, **settings: object) -> Scene:
        provider = DockerProvider(DockerSettings(host=proxy.url, raise_limits=False, **settings))  # type: ignore[arg-type]
        await provider.start()
        providers.append(provider)
        shape = replace((await stage.add(name="shape"))[0].shape, image_id=image_id)
        placed = replace(stage, provider=provider)
        cluster, create = await placed.add(name="faulty", shape=shape, workers=0)
        proxy.rules[:] = rules
        return Scene(placed, proxy, cluster, create)

    yield make
    for provider in providers:
        await provider.stop()
    proxy.stop()


def says(words: str) -> Callable[[str], bool]:
    return lambda said: words in said


@pytest.mark.fault("docker-answers-500")
async def test_it_answers_with_an_error(scene: Maker, sight: Sight) -> None:
    rule = Instead.error(*NETWORK, 500, "the storage driver is confused")
    await (await scene(rule)).waits(sight, says("confused"))


@pytest.mark.fault("docker-answers-429")
async def test_it_asks_for_fewer_calls(scene: Maker, sight: Sight) -> None:
    await (await scene(Instead.error(*NETWORK, 429, "slow down"))).waits(sight, says("slow down"))


@pytest.mark.fault("docker-answers-garbage")
async def test_it_answers_with_a_web_page(scene: Maker, sight: Sight) -> None:
    page = Instead("GET", "/networks", 200, b"<html>Welcome</html>", "text/html")
    await (await scene(page)).waits(sight, says("no Docker daemon"))


@pytest.mark.parametrize("body", [b"{", b"[1, 2]", b'{"message": "ok"}', b'"text"', b"null"])
async def test_json_of_any_other_shape_is_no_error_of_our_own(scene: Maker, body: bytes) -> None:
    made = await scene(Instead("GET", "/(containers|networks|volumes)", 200, body))
    with pytest.raises(ProviderUnavailable):
        await made.stage.provider.list_resources(made.cluster.uuid)


@pytest.mark.fault("docker-slow")
async def test_it_does_not_answer_in_time(scene: Maker, sight: Sight) -> None:
    slow = Instead("POST", "/networks/create", 500, b"{}", after_s=3)
    await (await scene(slow, call_timeout_s=1)).waits(sight, says("did not answer"))


@pytest.mark.fault("docker-locked-up")
async def test_it_lists_containers_but_no_networks(scene: Maker, sight: Sight) -> None:
    stuck = Instead("GET", "/networks", 200, b"[]", after_s=4)
    await (await scene(stuck, call_timeout_s=1)).waits(sight, says("did not answer"))


@pytest.mark.fault("docker-restarted")
async def test_it_is_restarted_during_the_create(scene: Maker, sight: Sight) -> None:
    made = await scene()
    sight.begins()
    made.proxy.stop()
    running = asyncio.create_task(made.stage.run(made.create, within_s=90))
    while not (said := (await made.stage.row(made.cluster)).cluster.status_reason):
        await asyncio.sleep(0.05)
    sight.waits(said)
    made.proxy.start()
    store = made.stage.store
    while not any(step.name == "network" and step.ok for step in await store.list_steps(made.create.uuid)):
        assert not running.done()
        await asyncio.sleep(0.05)
    delete = await made.stage.ask_delete(made.cluster)
    await running
    assert (await made.stage.run(delete)).state == "succeeded"


@pytest.mark.fault("docker-disk-full")
async def test_its_disk_is_full(scene: Maker, sight: Sight) -> None:
    said = "mkdir /var/lib/docker/volumes/faulty: no space left on device"
    await (await scene(Instead.error("POST", "/volumes/create", 500, said))).fails(sight)


@pytest.mark.fault("docker-memory-full")
async def test_its_host_has_no_memory_left(scene: Maker, sight: Sight) -> None:
    said = "failed to create task: fork/exec /usr/bin/runc: cannot allocate memory"
    await (await scene(Instead.error("POST", "/containers/create.*faulty", 500, said))).fails(sight)


@pytest.mark.fault("networks-used-up")
async def test_no_network_is_free(scene: Maker, sight: Sight) -> None:
    made = await scene(pool=ipaddress.IPv4Network("10.213.77.0/24"))
    network = ["docker", "network", "create", "--subnet", "10.213.77.128/25", "jeroboam-test-overlap"]
    subprocess.run(network, check=True, capture_output=True, timeout=60)
    try:
        await made.fails(sight)
    finally:
        subprocess.run(["docker", "network", "rm", network[-1]], check=True, capture_output=True, timeout=60)


@pytest.mark.fault("port-in-use")
async def test_the_only_port_is_in_use(scene: Maker, sight: Sight) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        await (await scene(ports=range(port, port + 1))).fails(sight)


@pytest.mark.fault("port-taken-later")
async def test_every_port_is_taken_before_the_node_starts(scene: Maker, sight: Sight) -> None:
    said = "driver failed programming external connectivity: Bind for 127.0.0.1:26443 failed: port is already allocated"
    await (await scene(Instead.error("POST", "/containers/faulty.*/start", 500, said))).waits(sight, says("allocated"))
