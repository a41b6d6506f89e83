"""One verb for all: the same commands on every container tool, each seen by the tool's own client."""

import asyncio
import io
import json
import os
import secrets
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from jeroboam import artifacts

from .test_lxd import Lxd
from .test_swarm import Swarm, live_swarm
from .world import PROGRAM, SOON_S, Cluster, Service, containers, run, until

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
    helpers: Callable[[], str] = lambda: ""  # what a load has on the cluster

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command about this cluster; the first word may be several."""
        env = {**os.environ, "JEROBOAM_URL": self.service.url}
        argv = [*PROGRAM, *words[0].split(), self.name, *words[1:]]
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

    def helpers() -> str:
        wanted = ("-n", "kube-system", "-l", "app.kubernetes.io/managed-by=jeroboam-load", "-o", "name")
        return cluster.kubectl("get", "jobs,pods", *wanted)

    return Live(service, cluster.uuid, HELLO, ("--", "serve"), "/hello", seen, helpers)


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

    def helpers() -> str:
        wanted = ("--filter", "label=app.kubernetes.io/managed-by=jeroboam-load")
        return live_swarm_of_two.docker("service", "ls", "-q", *wanted)

    return Live(light_service, live_swarm_of_two.uuid, HELLO, ("--", "serve"), "/hello", seen, helpers)


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
            answer = until(partial(_get, address), SOON_S, f"{address} answers")
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


@pytest.fixture
def own_image(swarm_image: str, tmp_path: Path) -> Iterator[str]:
    """hello under a name that no registry and no node knows, with something in it that no other image has."""
    name = f"own-{secrets.token_hex(4)}:1"
    _take(swarm_image, "/opt/jeroboam/images/hello.tar", tmp_path)
    with tarfile.open(tmp_path / "hello.tar") as archive:
        archive.extract(json.load(archive.extractfile("manifest.json") or io.BytesIO())[0]["Layers"][0], tmp_path)
    next(tmp_path.glob("[0-9a-f]*.tar")).rename(tmp_path / "layer.tar")
    (tmp_path / "mark").write_text(name)
    (tmp_path / "Dockerfile").write_text('FROM scratch\nADD layer.tar /\nCOPY mark /mark\nENTRYPOINT ["/hello"]\n')
    run("docker", "build", "-q", "-t", name, str(tmp_path))
    yield name
    run("docker", "rmi", "-f", name)


def _take(image: str, path: str, folder: Path) -> None:
    """A file of an image of this machine."""
    made = run("docker", "create", image)
    try:
        run("docker", "cp", f"{made}:{path}", str(folder))
    finally:
        run("docker", "rm", made)


@pytest.mark.parametrize("tool", TOOLS[:2])
def test_an_image_of_this_machine_runs_on_every_node(tool: str, request: pytest.FixtureRequest, own_image: str) -> None:
    live: Live = request.getfixturevalue(tool)
    nodes = containers(live.name)
    loaded = live.ask("image load", own_image)
    assert [one["node"] for one in loaded["nodes"]] == nodes
    assert {one["state"] for one in loaded["nodes"]} == {"loaded"}
    again = live.ask("image load", own_image)
    assert {one["state"] for one in again["nodes"]} == {"present"}
    assert live.helpers() == ""
    try:
        made = live.ask("run", "--image", own_image, "--name", "own", "--replicas", "2", "--wait", "--", "serve")
        assert (made["running"], made["image"]) == (2, own_image)
        assert len({one["node"] for one in made["replicas"]}) == 2
    finally:
        live.cli("stop", "own")


@pytest.mark.parametrize("tool", TOOLS[:2])
def test_a_load_that_is_interrupted_leaves_no_helper(tool: str, request: pytest.FixtureRequest, own_image: str) -> None:
    live: Live = request.getfixturevalue(tool)
    argv = [*PROGRAM, "image", "load", live.name, own_image]
    env = {**os.environ, "JEROBOAM_URL": live.service.url}
    process = subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True)
    until(live.helpers, SOON_S, "a helper is there", every_s=0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "Stopped" in said) == (130, True), said
    until(lambda: live.helpers() == "", SOON_S, "no helper is left")


def test_a_system_image_of_this_machine_runs_on_lxd(lxd: Live, live_lxd: Lxd, tmp_path: Path) -> None:
    _take(live_lxd.image, "/opt/jeroboam/images/small.tar.gz", tmp_path)
    run("tar", "-xzf", str(tmp_path / "small.tar.gz"), "-C", str(tmp_path))
    (tmp_path / "rootfs" / "mark").write_text("own")
    for archive, *parts in (("one.tar.gz", "metadata.yaml", "rootfs"), ("meta.tar", "metadata.yaml")):
        run("tar", "-caf", str(tmp_path / archive), "-C", str(tmp_path), *parts)
    run("tar", "-caf", str(tmp_path / "root.tar.xz"), "-C", str(tmp_path / "rootfs"), ".")
    whole = (str(tmp_path / "one.tar.gz"), "--name", "own")
    assert _states(lxd, *whole) == ["loaded", "present"]
    halves = (str(tmp_path / "root.tar.xz"), "--metadata", str(tmp_path / "meta.tar"), "--name", "own")
    assert _states(lxd, *halves) == ["loaded", "present"]  # and the alias leads to it now
    try:
        made = lxd.ask("run", "--image", "own", "--replicas", "2", "--wait")
        assert len({one["node"] for one in made["replicas"]}) == 2
        assert lxd.ask("exec", "own", "--", "cat", "/mark")["stdout"] == "own"
    finally:
        lxd.cli("stop", "own")


def _states(live: Live, *words: str) -> list[str]:
    """What two loads, one after the other, come to."""
    return [live.ask("image load", *words)["state"] for _ in range(2)]
