"""Two conductors and an API as processes of their own on a PostgreSQL server, whichever dies, and a tenant who asks on."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.integration.processes import START_S, Service, Stage, said

from jeroboam.testing.postgres import PostgresServer

from .world import PROGRAM, run, sweep

LATEST = {"OpenStack-API-Version": "container-infra latest"}
CONDUCTORS = ("a", "b")
ANSWERS_WITHIN_S = 60  # also when its database has just been killed


class Installation:
    """Of the docker provider. A conductor that has died is started again, as an init system does."""

    def __init__(self, stage: Stage, server: PostgresServer) -> None:
        self.stage, self.server = stage, server
        self.clusters: list[str] = []  # all that were asked for
        server.execute("CREATE DATABASE app TEMPLATE template0")
        self.api = self._start("api")
        self.api.await_answer()
        self.conductors = {name: self._start(name) for name in CONDUCTORS}

    def _start(self, name: str) -> Service:
        environment = {
            "DEFAULT__STATE_PATH": str(self.stage.folder / name),
            "DEFAULT__HOST": f"host-{name}",
            "API__PORT": str(self.stage.port),
            "DATABASE__CONNECTION": self.server.url("app", "postgresql"),
            "PROVIDER__DEFAULT": "docker",
            "SECRETS__KEY_FILE": str(self.stage.folder / "key"),
            "CONDUCTOR__HEALTH_S": "5",
        }
        half = "--api" if name == "api" else "--conductor"
        given = {f"JEROBOAM_{option}": value for option, value in environment.items()}
        return self.stage.start("serve", half, port=self.stage.port, **given)

    def kill(self, *names: str) -> None:
        """kill -9 of conductors that have begun their work, at the same moment."""
        for name in names:
            self._await_ready(name)
        for name in names:
            self.conductors[name].kill()
        self.revive()

    def _await_ready(self, name: str) -> None:
        ends = time.monotonic() + 2 * START_S
        while not said(self.conductors[name], "ready"):
            assert time.monotonic() < ends, self.conductors[name].err
            self.revive()
            time.sleep(0.05)

    def kill_database(self, away_s: float) -> None:
        """kill -9 of the whole server, which comes back after so many seconds."""
        self.server.kill()
        time.sleep(away_s)
        self.server.start()
        self.revive()

    def revive(self) -> None:
        """Start again what is not alive, also conductors that found no database at their start."""
        assert self.api.process.poll() is None, self.api.err
        for name, one in self.conductors.items():
            if one.process.poll() is not None:
                self.conductors[name] = self._start(name)

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """An answer of the API with its database. What is asked again must be the same wish as what was asked."""
        ends = time.monotonic() + ANSWERS_WITHIN_S
        while (answer := self.ask_once(method, path, body)) is None:
            assert time.monotonic() < ends, f"{method} {path}: no answer within {ANSWERS_WITHIN_S} s"
            time.sleep(0.5)
        return answer

    def ask_once(self, method: str, path: str, body: object = None) -> httpx.Response | None:
        """None while the database is away; then nobody knows whether the wish was kept."""
        answer = httpx.request(method, self.api.url + path, json=body, headers=LATEST, timeout=60)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        return None if answer.status_code == 503 else answer

    def why(self, cluster: str) -> str:
        return run(*PROGRAM, "cluster", "why", cluster, env={"JEROBOAM_URL": self.api.url}, check=False)


@contextmanager
def installation(stage: Stage) -> Iterator[Installation]:
    """One whose database keeps its promises through kill -9. Its processes end with the block, and then what they left in Docker."""
    clusters: list[str] = []
    with PostgresServer(durable=True) as server:
        try:
            made = Installation(stage, server)
            clusters = made.clusters
            yield made
        finally:
            for service in stage.services:
                service.kill()
            for cluster in clusters:
                sweep(cluster)


@dataclass
class Tenant:
    """Asks for clusters, resizes and deletes them, and knows what it asked for: workers by name, None for a deleted cluster."""

    place: Installation
    template: str
    prefix: str
    most: int = 3
    wished: dict[str, int | None] = field(default_factory=dict)
    uuids: dict[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> list[str]:
        return [name for name, workers in self.wished.items() if workers is not None]

    def wish(self, chance: random.Random) -> str:
        """One more, told in words."""
        kinds: list[Callable[[random.Random], str]] = [self.resize, self.resize, self.delete]
        if len(self.alive) < self.most:
            kinds = [self.create, self.create, *(kinds if self.alive else [])]
        return chance.choice(kinds)(chance)

    def create(self, chance: random.Random) -> str:
        return self.create_one(chance.randint(0, 2))

    def create_one(self, workers: int) -> str:
        name = f"{self.prefix}-{len(self.wished)}"
        wish = {"name": name, "cluster_template_id": self.template, "node_count": workers}
        self.wished[name] = workers
        self.uuids[name] = self._made(name, wish)
        self.place.clusters.append(self.uuids[name])
        return f"create {name} of {workers}"

    def _made(self, name: str, wish: dict[str, object]) -> str:
        """The cluster's uuid. An answer may be lost with the database: its name tells whether it is there."""
        while (known := self.place.ask("GET", f"/v1/clusters/{name}")).status_code == 404:
            made = self.place.ask_once("POST", "/v1/clusters", wish)
            if made is not None:
                return str(_accepted(made)["uuid"])
        return str(known.json()["uuid"])

    def resize(self, chance: random.Random) -> str:
        name = chance.choice(self.alive)
        workers = chance.choice([number for number in range(3) if number != self.wished[name]])
        self.wished[name] = workers
        _accepted(self.place.ask("POST", f"/v1/clusters/{self.uuids[name]}/actions/resize", {"node_count": workers}))
        return f"resize {name} to {workers}"

    def delete(self, chance: random.Random) -> str:
        name = chance.choice(self.alive)
        self.delete_one(name)
        return f"delete {name}"

    def delete_one(self, name: str) -> None:
        self.wished[name] = None
        answer = self.place.ask("DELETE", f"/v1/clusters/{self.uuids[name]}")
        assert answer.status_code in (204, 404), answer.text  # 404: the first answer was lost, and it is gone by now


def _accepted(answer: httpx.Response) -> Any:
    assert answer.status_code == 202, answer.text
    return answer.json()
