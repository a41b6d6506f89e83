"""One verb for all: the same commands on every container tool, each seen by the tool's own client."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from jeroboam import artifacts

from .test_lxd import Lxd
from .test_swarm import Swarm, live_swarm
from .world import PROGRAM, Cluster, Service, run, until

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(600)]
HELLO = "jeroboam.local/hello:1"


@dataclass(frozen=True)
class Live:
    """A cluster, how an image on it is named and told to serve, the client in it, and what the tool's own client sees."""

    service: Service
    name: str
    image: str
    words: tuple[str, ...]
    program: str
    seen: Callable[[], list[str]]

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command about this cluster."""
        env = {**os.environ, "JEROBOAM_URL": self.service.url}
        argv = [*PROGRAM, words[0], self.name, *words[1:]]
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=200, check=False)

    def ask(self, *words: str) -> Any:
        """The JSON of one that ends well."""
        done = self.cli(words[0], "--json", *words[1:])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def kubernetes(service: Service, cluster: Cluster) -> Live:
    def seen() -> list[str]:
        found = cluster.get("deployments,services", "-l", "app.kubernetes.io/managed-by=jeroboam")["items"]
        return sorted(f"{one['kind']} {one['metadata']['name']}" for one in found)

    return Live(service, cluster.uuid, HELLO, ("--", "serve"), "/hello", seen)


@pytest.fixture(scope="module")
def live_swarm_of_two(
    light_service: Service, swarm_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Swarm]:
    template = light_service.template("swarm-workloads", swarm_image, coe="swarm")
    with live_swarm(light_service, template, tmp_path_factory.mktemp("docker-config"), node_count=1) as made:
        yield made


@pytest.fixture
def swarm(light_service: Service, live_swarm_of_two: Swarm) -> Live:
    def seen() -> list[str]:
        return live_swarm_of_two.docker("service", "ls", "--format", "{{.Name}}").split()

    return Live(light_service, live_swarm_of_two.uuid, HELLO, ("--", "serve"), "/hello", seen)


@pytest.fixture(scope="module")
def live_lxd(light_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lxd]:
    image = asyncio.run(artifacts.build_distro_image("lxd")).tag
    uuid = light_service.ask_cluster(light_service.template("lxd-workloads", image, coe="lxd"), "lxd", node_count=1)
    try:
        light_service.settle(uuid, "CREATE_COMPLETE")
        home = tmp_path_factory.mktemp("lxc")
        env = {"JEROBOAM_URL": light_service.url, "XDG_CONFIG_HOME": str(home)}
        run(*PROGRAM, "cluster", "config", uuid, env=env)
        yield Lxd(uuid, home / "jeroboam" / "lxc" / "lxd", image)
    finally:
        light_service.remove(uuid)


@pytest.fixture
def lxd(light_service: Service, live_lxd: Lxd) -> Live:
    return Live(light_service, live_lxd.uuid, "small", (), "hello", lambda: sorted(live_lxd.instances()))


TOOLS = [pytest.param("kubernetes", marks=pytest.mark.kubernetes), "swarm", "lxd"]
SEEN = {"kubernetes": ["Deployment web", "Service web"], "swarm": ["web"], "lxd": ["web-0", "web-1"]}


@pytest.mark.parametrize("tool", TOOLS)
def test_run_ps_logs_exec_stop(tool: str, request: pytest.FixtureRequest) -> None:
    live: Live = request.getfixturevalue(tool)
    wish = ("--image", live.image, "--name", "web", "--replicas", "2", "--publish", "8080", "--env", "NODE_NAME=a $(b)")
    try:
        made = live.ask("run", *wish, "--wait", *live.words)
        assert (made["wanted"], made["running"], len(made["replicas"])) == (2, 2, 2)
        assert live.seen() == SEEN[tool]
        assert len({one["node"] for one in made["replicas"]}) == 2
        assert len(made["ports"]) == 2
        for address in made["ports"]:
            answer = until(partial(_get, address), 30, f"{address} answers")
            assert answer["node"] == "a $(b)"
        assert [one["name"] for one in live.ask("ps")] == ["web"]
        first = made["replicas"][0]["name"]
        _exec(live, first)
        assert set(live.ask("logs", "web")) == {one["name"] for one in made["replicas"]}
        again = live.cli("run", *wish)
        assert (again.returncode, "A workload web is on" in again.stderr) == (1, True), again.stderr
    finally:
        live.cli("stop", "web")
    assert live.ask("ps") == []
    assert live.seen() == []


def _get(address: str) -> Any:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://{address}/", timeout=5, trust_env=False).json()
    return None


def _exec(live: Live, replica: str) -> None:
    done = live.cli("exec", "web", "--replica", replica, "--", live.program, "get", "http://127.0.0.1:8080/x")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["path"] == "/x"
    failed = live.cli("exec", "web", "--", live.program, "get", "http://127.0.0.1:1/")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "connection refused" in failed.stderr
    absent = live.cli("exec", "web", "--", "/no-such-program")
    assert absent.returncode != 0
    assert "/no-such-program" in absent.stdout + absent.stderr  # docker exec says it on stdout


@pytest.mark.parametrize("tool", TOOLS)
def test_an_image_that_is_not_there_is_named(tool: str, request: pytest.FixtureRequest) -> None:
    live: Live = request.getfixturevalue(tool)
    try:
        done = live.cli("run", "--image", "jeroboam.local/absent:1", "--wait", "--timeout-s", "10")
        assert done.returncode == (2 if tool == "lxd" else 1)  # LXD tells which images it has before anything is made
        assert "jeroboam.local/absent:1" in done.stderr
    finally:
        live.cli("stop", "absent")
    assert live.seen() == []
