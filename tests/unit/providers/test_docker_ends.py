"""Containers of one cluster end one by one where the engine may lock up else, and one that is locked up is known by what it answers.
A stand-in of the Engine API counts how many end at once."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.providers.engine_api import EngineCall, EngineServer, about

from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.providers.docker import DockerProvider, DockerSettings, Finding, inspect_host
from jeroboam.providers.docker.engine import may_lock_up

CLUSTERS = ("one", "two")
NODES = 3


@pytest.mark.parametrize(
    ("version", "may"),
    [
        ("20.10.24+dfsg1", True),
        ("20.10.26", True),
        ("20.10.27", False),
        ("23.0.0", False),
        ("28.2.2", False),
        ("library-import", False),
        ("", False),
    ],
)
def test_engines_before_the_mend_may_lock_up(version: str, may: bool) -> None:
    assert may_lock_up(version) is may


class Engine(EngineServer):
    """Two clusters of three containers, each of which ends when `meet` of them have once ended at the same time, or after a while.
    Calls with one of the words of `hangs` in their path are not answered."""

    def __init__(self, socket: Path, version: str, meet: int) -> None:
        self.version, self.meet = version, meet
        self.there = {f"{cluster}-{n}": cluster for cluster in CLUSTERS for n in range(NODES)}
        self.ending: Counter[str] = Counter()
        self.most = self.most_of_one = 0
        self.hangs: tuple[str, ...] = ()
        self.over = threading.Event()
        self.changed = threading.Condition()
        super().__init__(str(socket), _Call)

    def ends(self, name: str) -> None:
        with self.changed:
            cluster = self.there[name]
            self.ending[cluster] += 1
            self.most = max(self.most, self.ending.total())
            self.most_of_one = max(self.most_of_one, self.ending[cluster])
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.meet, timeout=20)
            self.ending[cluster] -= 1
            del self.there[name]

    def containers(self, path: str) -> list[dict[str, object]]:
        return [
            {"Id": name, "Names": [f"/{name}"], "Labels": {"jeroboam.cluster": cluster}}
            for name, cluster in list(self.there.items())
            if f"jeroboam.cluster%3D{cluster}" in path
        ]


class _Call(EngineCall):
    server: Engine

    def do_GET(self) -> None:
        self.answer(200, self._found())

    def do_DELETE(self) -> None:
        self.server.ends(self.path.split("?")[0].rsplit("/", 1)[-1])
        self.answer(204, None)

    def _found(self) -> object:
        for word in self.server.hangs:
            if word in self.path:
                self.server.over.wait(30)
        if "/containers/json" in self.path:
            return self.server.containers(self.path)
        if "/volumes" in self.path:
            return {"Volumes": []}
        if "/networks" in self.path or "/images" in self.path:
            return []
        return about(self.server.version)


@pytest.fixture
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = Engine(tmp_path / "docker.sock", *request.param)
    threading.Thread(target=engine.serve_forever, args=(0.02,), daemon=True).start()
    yield engine
    engine.over.set()
    engine.shutdown()
    engine.server_close()


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("engine", "of_one"), [(("20.10.24+dfsg1", 2), 1), (("28.2.2", 2 * NODES), NODES)], indirect=["engine"]
)
async def test_containers_of_one_cluster_end_side_by_side_only_where_the_engine_bears_it(
    engine: Engine, of_one: int, tmp_path: Path
) -> None:
    provider = DockerProvider(DockerSettings(host=f"unix://{tmp_path}/docker.sock", raise_limits=False))
    await provider.start()
    try:
        async with asyncio.TaskGroup() as both:
            for cluster in CLUSTERS:
                both.create_task(provider.delete_all(cluster))
    finally:
        await provider.stop()
    assert engine.there == {}
    assert engine.most_of_one == of_one
    assert engine.most == engine.meet  # clusters do not wait for each other


@pytest.mark.sockets
@pytest.mark.parametrize("engine", [("20.10.24+dfsg1", 0)], indirect=True)
@pytest.mark.parametrize(
    ("hangs", "locked_up"),
    [(("/volumes", "/networks"), True), (("/volumes",), False)],
)
async def test_an_engine_that_lists_containers_but_no_networks_is_told_from_a_slow_one(
    engine: Engine, hangs: tuple[str, ...], locked_up: bool, tmp_path: Path
) -> None:
    provider = DockerProvider(
        DockerSettings(host=f"unix://{tmp_path}/docker.sock", raise_limits=False, call_timeout_s=1)
    )
    await provider.start()
    engine.hangs = hangs
    try:
        with pytest.raises(ProviderUnavailable) as caught:
            await provider.daemon.volumes({})
    finally:
        await provider.stop()
    assert caught.value.message == "Docker did not answer within 1 s."
    assert ("Restart the Docker daemon" in (caught.value.hint or "")) is locked_up


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("engine", "told"), [(("20.10.24+dfsg1", 0), True), (("28.2.2", 0), False)], indirect=["engine"]
)
async def test_the_doctor_notes_such_an_engine_and_fails_nothing(engine: Engine, told: bool, tmp_path: Path) -> None:
    found = await inspect_host(f"unix://{tmp_path}/docker.sock")
    value = "may lock up when containers of one network end side by side; nodes are ended one by one"
    note = Finding("docker engine", "ok", value, "Docker 20.10.27 or newer has no such fault.")
    assert [one for one in found if one.name == "docker engine"] == ([note] if told else [])
