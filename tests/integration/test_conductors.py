"""Two conductors and an API as processes of their own on PostgreSQL: whatever ends one, the other goes on with its work."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.processes import START_S, Service, Stage, await_line, free_port, said

from jeroboam.providers.fake import Cloud
from jeroboam.testing.postgres import PostgresServer

pytestmark = [pytest.mark.postgresql, pytest.mark.sockets, pytest.mark.timeout(550)]
TAKEN_OVER_WITHIN_S = 30.0  # on a busy machine; on a quiet one it is under ten
COMPLETE_WITHIN_S = 90.0  # on a busy machine
# What a conductor that begins anew may write: nothing of operations, and of clusters when it looked after their health.
OWN = {"leases", "services", "queues", "application_versions", "clusters"}
AUDIT = """
CREATE TABLE public.written (id bigserial, who text, place text);
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN INSERT INTO public.written (who, place) VALUES (session_user, TG_TABLE_NAME); RETURN NULL; END$$;
DO $$DECLARE one record; BEGIN
  FOR one IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'dbos') AND tablename <> 'written'
  LOOP EXECUTE format('CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON %%I.%%I FOR EACH ROW EXECUTE FUNCTION public.note()',
    one.schemaname, one.tablename); END LOOP; END$$;
"""


class Rig:
    """An API, the conductors a and b (each a role of the database), one fake cloud."""

    def __init__(self, stage: Stage, server: PostgresServer) -> None:
        self.stage, self.server = stage, server
        self.watch_ports = {role: free_port() for role in ("a", "b")}
        server.execute("CREATE ROLE app")
        for role in ("api", "a", "b"):
            server.execute(f"CREATE ROLE {role} LOGIN IN ROLE app")
            server.execute(f"ALTER ROLE {role} SET role = app")  # whoever makes a table, it is the common owner's
        server.execute("CREATE DATABASE app OWNER app TEMPLATE template0")
        self.api = self.start("api")
        self.api.await_answer()
        self.conductors = {role: self.start(role) for role in ("a", "b")}
        for one in self.conductors.values():
            await_line(one, "ready", START_S)
        template = {"name": "k8s", "image_id": "fake-image", "coe": "kubernetes"}
        self.template = self.api.call("POST", "/v1/clustertemplates", template)["uuid"]

    def start(self, role: str) -> Service:
        environment = {
            "DEFAULT__STATE_PATH": str(self.stage.folder / role),
            "DEFAULT__HOST": f"host-{role}",
            "API__PORT": str(self.stage.port),
            "DATABASE__CONNECTION": self.server.url("app", "postgresql", role=role),
            "PROVIDER__DEFAULT": "fake",
            "SECRETS__KEY_FILE": str(self.stage.folder / "key"),
            "FAKE__STATE": str(self.stage.folder / "cloud.sqlite"),
            "FAKE__BOOT_S": "15",
            "FAKE__LATENCY_S": "0.1",
            "CONDUCTOR__METRICS_PORT": str(self.watch_ports.get(role, 0)),
        }
        half = "--api" if role == "api" else "--conductor"
        return self.stage.start(
            "serve", half, port=self.stage.port, **{f"JEROBOAM_{name}": value for name, value in environment.items()}
        )

    def watch(self, role: str, path: str) -> httpx.Response:
        """What that conductor tells of itself."""
        return httpx.get(f"http://127.0.0.1:{self.watch_ports[role]}{path}", timeout=10)

    def steps(self, role: str) -> float:
        """How many steps of creates it has done."""
        text = self.watch(role, "/metrics").text
        families = {family.name: family.samples for family in text_string_to_metric_families(text)}
        return sum(one.value for one in families["jeroboam_step_seconds"] if one.name.endswith("_count"))

    def create(self, name: str) -> str:
        wish = {"name": name, "cluster_template_id": self.template, "node_count": 2}
        return str(self.api.call("POST", "/v1/clusters", wish)["uuid"])

    def worker(self, name: str) -> tuple[str, str]:
        """Who works on that cluster, and the other. It has recorded a step: an operation without any begins with the next conductor, it
        does not go on."""
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            for one, other in (("a", "b"), ("b", "a")):
                if f"{name}: create: keys done" in self.conductors[one].err:
                    return one, other
            time.sleep(0.05)
        raise AssertionError("nobody took the operation")

    def await_taken_over(self, name: str, by: str, since: float) -> float:
        """Seconds from that moment until the other goes on."""
        line = await_line(self.conductors[by], f"{name}: create: goes on", 60)
        return datetime.fromisoformat(line["timestamp"]).timestamp() - since

    def await_complete(self, name: str, uuid: str) -> None:
        self.api.await_status(uuid, "CREATE_COMPLETE", COMPLETE_WITHIN_S)
        [operation] = self.api.call("GET", f"/ext/v1/clusters/{uuid}/operations")["operations"]
        steps = self.api.call("GET", f"/ext/v1/operations/{operation['uuid']}/steps")["steps"]
        assert sorted(s["target"] for s in steps if s["name"] == "boot" and s["ok"]) == sorted(
            machine.name
            for machine in Cloud(self.stage.folder / "cloud.sqlite").state.machines.values()
            if machine.cluster == uuid
        )
        assert len([s for s in steps if s["name"] == "boot"]) == 3, name

    def again(self, role: str) -> None:
        self.conductors[role].kill()
        self.conductors[role] = self.start(role)
        await_line(self.conductors[role], "ready", START_S)

    def disturb(self, chance: random.Random) -> str:
        """Kill a conductor, or the database for a while; what it was."""
        what = chance.choice(("a", "b", "database"))
        if what == "database":
            self.server.stop()
            time.sleep(chance.uniform(0.5, 3))
            self.server.start()
        else:
            self.conductors[what].kill()
        for role, one in self.conductors.items():  # also those that found no database at their start
            if one.process.poll() is not None:
                self.conductors[role] = self.start(role)
        return what

    def await_all_complete(self, within_s: float) -> None:
        ends = time.monotonic() + within_s
        while True:
            answer = httpx.get(f"{self.api.url}/v1/clusters", timeout=10)
            seen = [one["status"] for one in answer.json().get("clusters", [])] if answer.status_code == 200 else ["?"]
            if set(seen) == {"CREATE_COMPLETE"}:
                return
            assert time.monotonic() < ends, f"{seen} after {within_s} s"
            time.sleep(0.2)

    def written(self, who: str, after: int) -> list[str]:
        return [place for _, place in self._rows(f"WHERE who = '{who}' AND id > {after}")]

    def last_write(self) -> int:
        return max((number for number, _ in self._rows("")), default=0)

    def _rows(self, where: str) -> list[tuple[int, str]]:
        engine = sa.create_engine(self.server.url("app", "postgresql+psycopg", role="api"), poolclass=sa.NullPool)
        with engine.connect() as connection:
            found = connection.execute(sa.text(f"SELECT id, place FROM written {where} ORDER BY id"))
            return [(row[0], row[1]) for row in found]

    def audit(self) -> None:
        engine = sa.create_engine(self.server.url("app", "postgresql+psycopg", role="api"))
        with engine.begin() as connection:
            connection.exec_driver_sql(AUDIT)
        engine.dispose()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    stage = Stage(tmp_path_factory.mktemp("conductors"))
    with PostgresServer() as server:
        try:
            yield Rig(stage, server)
        finally:
            for service in stage.services:
                service.kill()


def test_each_half_is_what_it_says(rig: Rig) -> None:
    hosts = {one["host"] for one in rig.api.call("GET", "/v1/mservices")["mservices"]}
    assert hosts == {"host-a", "host-b"}
    for conductor in rig.conductors.values():
        assert conductor.process.poll() is None
    assert httpx.get(f"{rig.api.url}/v1", timeout=10).status_code == 200


def test_a_conductor_tells_of_its_own_work_and_of_what_it_lacks(rig: Rig) -> None:
    before = {role: rig.steps(role) for role in rig.conductors}
    uuid = rig.create("watched")
    worker, other = rig.worker("watched")
    rig.await_complete("watched", uuid)
    assert rig.steps(worker) > before[worker]
    assert rig.steps(other) == before[other]
    text = rig.watch(other, "/metrics").text
    assert ("jeroboam_leases 2.0" in text, "jeroboam_database_up 1.0" in text) == (True, True)
    well = {"checks": {"process": "ok", "database": "ok", "conductor": "ok"}}
    assert rig.watch(worker, "/readyz").json() == well
    rig.server.stop()
    try:
        ready = rig.watch(worker, "/readyz")
        assert (ready.status_code, ready.headers["Retry-After"]) == (503, "1")
        assert ready.json()["checks"]["database"] == "The database does not answer."
        assert rig.watch(worker, "/healthz").status_code == 200
        await_true(
            lambda: "jeroboam_database_up 0.0" in rig.watch(worker, "/metrics").text
        )  # counted every few seconds
    finally:
        rig.server.start()
    await_true(lambda: rig.watch(worker, "/readyz").json() == well)


def await_true(found: Callable[[], bool]) -> None:
    ends = time.monotonic() + START_S
    while not found():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_sigterm_hands_the_work_over_at_once(rig: Rig) -> None:
    uuid = rig.create("term")
    victim, other = rig.worker("term")
    rig.api.await_step(uuid, "boot")
    since = time.time()
    assert rig.conductors[victim].stop(signal.SIGTERM)[0] == 0
    took_s = rig.await_taken_over("term", other, since)
    print(f"handed over within {took_s:.1f} s of SIGTERM")
    assert took_s < TAKEN_OVER_WITHIN_S
    rig.await_complete("term", uuid)
    rig.again(victim)


def test_after_kill_9_the_other_goes_on_with_the_work(rig: Rig) -> None:
    uuid = rig.create("kill")
    victim, other = rig.worker("kill")
    rig.api.await_step(uuid, "boot")
    since = time.time()
    rig.conductors[victim].kill()
    took_s = rig.await_taken_over("kill", other, since)
    print(f"taken over within {took_s:.1f} s of kill -9")
    assert took_s < TAKEN_OVER_WITHIN_S
    rig.await_complete("kill", uuid)
    rig.again(victim)


def test_a_conductor_that_stood_still_writes_nothing_of_its_work_any_more(rig: Rig) -> None:
    rig.audit()
    uuids = {f"stop-{number}": rig.create(f"stop-{number}") for number in range(4)}
    work = {name: rig.worker(name) for name in uuids}
    victim, other = work["stop-0"]
    theirs = [name for name in uuids if work[name][0] == victim]
    rig.conductors[victim].process.send_signal(signal.SIGSTOP)
    for name in theirs:
        await_line(rig.conductors[other], f"{name}: create: goes on", 60)
    stopped_at = rig.last_write()
    late = {f"late-{number}": rig.create(f"late-{number}") for number in range(2)}  # what its queue would take
    rig.conductors[victim].process.send_signal(signal.SIGCONT)
    await_line(rig.conductors[victim], "this conductor stops all of its work, and begins anew under another lease", 60)
    for name, uuid in (uuids | late).items():
        rig.await_complete(name, uuid)
    wrote = rig.written(victim, stopped_at)
    anew = wrote.index("leases")
    assert wrote[:anew] == []
    if not any(said(rig.conductors[victim], f"{name}: create: begins") for name in late):
        assert set(wrote) <= OWN
    for name in theirs:
        assert not said(rig.conductors[victim], f"{name}: create: succeeded")


def test_whatever_dies_and_when_all_work_is_done_and_done_once(rig: Rig) -> None:
    """JEROBOAM_SEED draws other deaths."""
    seed = int(os.environ.get("JEROBOAM_SEED", "6"))
    chance = random.Random(seed)
    uuids = [rig.create(f"random-{number}") for number in range(5)]
    died = []
    for _ in range(5):
        time.sleep(chance.uniform(0.5, 5))
        died.append(rig.disturb(chance))
    print(f"seed {seed}: {', '.join(died)}")
    for role in ("a", "b"):
        if rig.conductors[role].process.poll() is not None:
            rig.conductors[role] = rig.start(role)
    rig.await_all_complete(within_s=180)
    books = Cloud(rig.stage.folder / "cloud.sqlite").books
    assert [len(books.machines(uuid)) for uuid in uuids] == [3] * 5
    for uuid in uuids:
        [operation] = rig.api.call("GET", f"/ext/v1/clusters/{uuid}/operations")["operations"]
        assert (operation["kind"], operation["state"]) == ("create", "succeeded")
