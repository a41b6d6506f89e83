"""`jeroboam serve` answers and works on while a later program brings the schema of its database up to date."""

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from tests.conformance.later_program import later
from tests.conformance.store_use import plain_engine
from tests.integration.processes import Service, Stage, free_port, said

from jeroboam.store.database import patient_engine
from jeroboam.store.migration import Migration
from jeroboam.store.schema import Chain
from jeroboam.testing.postgres import PostgresServer

pytestmark = [pytest.mark.postgresql, pytest.mark.sockets, pytest.mark.timeout(300)]
NEWER = "the database has a newer schema; this program may serve with it"
LONGEST_S = (
    20.0  # of one answer, on a busy machine; on a quiet one it is two: the migration lets go of the tables after one
)


@pytest.fixture(scope="module")
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as made:
        yield made


@pytest.fixture(scope="module")
def stage(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("upgrade"))
    yield made
    for service in made.services:
        service.kill()


def start(stage: Stage, url: str, name: str, port: int, *half: str) -> Service:
    return stage.start(
        "serve",
        *half,
        port=port,
        JEROBOAM_DEFAULT__STATE_PATH=str(stage.folder / name),
        JEROBOAM_API__PORT=str(port),
        JEROBOAM_DATABASE__CONNECTION=url,
        JEROBOAM_PROVIDER__DEFAULT="fake",
        JEROBOAM_SECRETS__KEY_FILE=str(stage.folder / "key"),
    )


@dataclass(frozen=True)
class Answer:
    """To one request; moments are of the steady clock."""

    request: str
    status: int
    began: float
    ended: float


class Stream:
    """Requests without a pause, of all kinds, until it is stopped."""

    def __init__(self, service: Service, template: str) -> None:
        self.answers: list[Answer] = []
        self._url, self._template, self._over = service.url, template, threading.Event()
        self._threads = [threading.Thread(target=ask) for ask in (self._read, self._write)]

    def __enter__(self) -> "Stream":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def await_more(self, number: int) -> None:
        """Until so many more requests were answered."""
        enough, ends = len(self.answers) + number, time.monotonic() + 120
        while len(self.answers) < enough:
            assert time.monotonic() < ends, f"{len(self.answers)} answers"
            time.sleep(0.05)

    def _read(self) -> None:
        while not self._over.is_set():
            for path in ("/v1/clusters", "/v1/clustertemplates", "/v1/stats", "/readyz"):
                self._ask("GET", path)

    def _write(self) -> None:
        for number in itertools.count():
            if self._over.is_set():
                return
            wish = {"name": f"c{number}", "cluster_template_id": self._template}
            made = self._ask("POST", "/v1/clusters", wish)
            self._ask("DELETE", f"/v1/clusters/{made.json()['uuid']}")

    def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        began = time.monotonic()
        answer = httpx.request(method, self._url + path, json=body, timeout=60)
        self.answers.append(Answer(f"{method} {path}", answer.status_code, began, time.monotonic()))
        return answer


async def bring_up(url: str, chain: Chain, *, contract: bool = False) -> list[str]:
    engine = patient_engine(url)
    applied = await Migration(engine, chain).run(contract=contract)
    await engine.dispose()
    return [one.name for one in applied]


def hold(url: str, seconds: float) -> None:
    """A report that somebody runs: it reads the table that is migrated."""
    with plain_engine(url).connect() as connection:
        connection.execute(sa.text(f"SELECT count(*), pg_sleep({seconds}) FROM clusters"))


def test_no_request_fails_while_the_schema_expands_and_older_processes_start_with_it(
    stage: Stage, url: str, tmp_path: Path
) -> None:
    plain = url.replace("+asyncpg", "")
    service = start(stage, plain, "old", stage.port)
    service.await_answer()
    template = service.call(
        "POST", "/v1/clustertemplates", {"name": "k", "image_id": "fake-image", "coe": "kubernetes"}
    )
    with Stream(service, template["uuid"]) as stream:
        stream.await_more(8)
        report = threading.Thread(target=hold, args=(url, 3))
        report.start()
        time.sleep(0.3)
        began = time.monotonic()
        assert asyncio.run(bring_up(url, later(tmp_path / "later"))) == ["9001"]
        ended = time.monotonic()
        report.join(30)
        stream.await_more(8)
    during = [one for one in stream.answers if one.ended > began and one.began < ended]
    slowest = max(one.ended - one.began for one in stream.answers)
    print(
        f"{len(stream.answers)} answers, {len(during)} during {ended - began:.1f} s, the slowest after {slowest:.2f} s"
    )
    assert [one for one in stream.answers if one.status >= 300] == []
    assert during
    assert slowest < LONGEST_S
    uuid = service.call("POST", "/v1/clusters", {"name": "after", "cluster_template_id": template["uuid"]})["uuid"]
    service.await_status(uuid, "CREATE_COMPLETE", 60)
    second = start(stage, plain, "second", free_port(), "--api")
    second.await_answer()
    assert said(second, NEWER) is not None
    assert second.call("GET", f"/v1/clusters/{uuid}")["name"] == "after"
    second.kill()


def test_one_that_is_too_old_for_the_schema_tells_it_and_does_not_start(stage: Stage, url: str, tmp_path: Path) -> None:
    service = stage.services[0]
    assert asyncio.run(bring_up(url, later(tmp_path / "later", floor="9001"), contract=True)) == ["9002"]
    ready = httpx.get(f"{service.url}/readyz", timeout=10)
    told = "The database's schema serves no program older than schema 9001: this process is too old."
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, told)
    refused = start(stage, url.replace("+asyncpg", ""), "third", free_port(), "--api")
    assert refused.end() == 1
    assert "jeroboam: The database has the schema 9002, which serves no program older than schema 9001; " in refused.err
    assert json.loads(refused.err.splitlines()[0])["event"] == "drivers and provider load"
