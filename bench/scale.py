"""How far one installation goes: clusters at rest, many created at once, one tenant's long queue beside another's short one.

    .venv/bin/python bench/scale.py [--rest 10000] [--create 1000] [--fair 400 10] [--runs sqlite:1 postgresql:1 postgresql:2]

`rest`: so many settled clusters in the store; CPU of the conductors over `--seconds`. `create`: so many clusters of two machines asked
for in one transaction, each machine taking 5 to 60 s to be made; the ideal is what the slowest latency alone takes. `fair`: 20 operations
at once, 10 of one project; how long the operations of the two projects wait. Conductors are processes of their own; the provider is the
fake cloud. Clusters at rest have keys, so the health scan asks each of them, by the fake driver, which answers at once; its first round,
which writes what it found of all of them, is over before anything is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from api import fill
from jeroboam import pki
from jeroboam.contracts import SystemClock
from jeroboam.domain import OPERATION_FINAL, Operation, OperationState
from jeroboam.store import Sealer, SqlStore, tables
from jeroboam.store.rows import dicts, plain, values
from jeroboam.testing import builders
from jeroboam.testing.postgres import PostgresServer

_LONGEST_S = 60.0
_BOOT_S = 0.3
_START_S = 300.0
_CHUNK = 500
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """Where it runs: kind of database and number of conductors."""

    database: str
    conductors: int

    @classmethod
    def parse(cls, text: str) -> Run:
        kind, _, count = text.partition(":")
        return cls(kind, int(count or 1))


class Conductors:
    """`jeroboam serve --conductor`, some of them."""

    def __init__(self, folder: Path, url: str, count: int, options: Mapping[str, str]) -> None:
        (folder / "key").touch(mode=0o600)
        (folder / "key").write_bytes(b"k" * 32)
        self._logs = [folder / f"log-{number}" for number in range(count)]
        self.processes = [self._start(folder, url, number, options) for number in range(count)]

    def _start(self, folder: Path, url: str, number: int, options: Mapping[str, str]) -> subprocess.Popen[bytes]:
        told = {
            "DEFAULT__STATE_PATH": str(folder / f"data-{number}"),
            "DEFAULT__HOST": f"host-{number}",
            "DATABASE__CONNECTION": url,
            "PROVIDER__DEFAULT": "fake",
            "SECRETS__KEY_FILE": str(folder / "key"),
            "FAKE__STATE": str(folder / "cloud.sqlite"),
            "FAKE__BOOT_S": str(_BOOT_S),
            **options,
        }
        environment = {**os.environ, **{f"JEROBOAM_{name}": value for name, value in told.items()}}
        command = [sys.executable, "-m", "jeroboam.entry", "serve", "--conductor"]
        with self._logs[number].open("wb") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def await_ready(self) -> None:
        ends = time.monotonic() + _START_S
        while not all(b'"ready"' in log.read_bytes() for log in self._logs):
            if time.monotonic() > ends or any(process.poll() is not None for process in self.processes):
                said = "\n".join(log.read_text()[-2000:] for log in self._logs)
                raise RuntimeError(f"conductors do not start: {said}")
            time.sleep(0.1)

    def cpu_s(self) -> float:
        """User and system time of all. Source: proc(5)."""
        fields = [Path(f"/proc/{p.pid}/stat").read_text().rpartition(")")[2].split() for p in self.processes]
        return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS

    def rss_mib(self) -> float:
        """Resident memory of the largest."""
        lines = [line for p in self.processes for line in Path(f"/proc/{p.pid}/status").read_text().splitlines()]
        return max(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=60)


@contextmanager
def database(run: Run, folder: Path) -> Iterator[str]:
    if run.database == "sqlite":
        yield f"sqlite:///{folder}/store.sqlite"
        return
    with PostgresServer(durable=True) as server, server.database() as url:
        yield url.replace("postgresql+asyncpg", "postgresql")


@contextmanager
def at_work(run: Run, options: Mapping[str, str], clusters: int = 0) -> Iterator[tuple[SqlStore, Conductors]]:
    """Conductors on a database with so many settled clusters, ready."""
    with tempfile.TemporaryDirectory(prefix="jeroboam-scale-") as name, database(run, Path(name)) as url:
        asyncio.run(fill(url, max(1, clusters)))
        store = SqlStore(url, Sealer(b"k" * 32), SystemClock())
        asyncio.run(give_keys(store))
        conductors = Conductors(Path(name), url, run.conductors, options)
        try:
            conductors.await_ready()
            yield store, conductors
        finally:
            conductors.stop()


async def give_keys(store: SqlStore) -> None:
    """To all clusters, the same: only how many there are matters."""
    await store.start()
    kept = pki.pack(pki.new_cluster_secrets("bench", ("join",), SystemClock().now()))
    async with store._write() as connection:
        uuids = (await connection.execute(sa.select(tables.clusters.c.uuid))).scalars().all()
        for start in range(0, len(uuids), _CHUNK):
            rows = [
                {"cluster_uuid": uuid, "name": name, "sealed": store._sealer.seal(uuid, name, value)}
                for uuid in uuids[start : start + _CHUNK]
                for name, value in kept.items()
            ]
            await connection.execute(tables.secrets.insert(), rows)
    await store.stop()


async def first_round(store: SqlStore) -> None:
    """Wait until every cluster was looked at, and a little more."""
    await store.start()
    unseen = sa.select(sa.func.count()).where(tables.clusters.c.health.is_(None))
    ends = time.monotonic() + _START_S
    while True:
        async with store._read() as connection:
            left = (await connection.execute(unseen)).scalar_one()
        if not left:
            break
        if time.monotonic() > ends:
            raise TimeoutError(f"{left} clusters were not looked at within {_START_S:g} s")
        await asyncio.sleep(1)
    await store.stop()
    await asyncio.sleep(3)


def rest(run: Run, clusters: int, seconds: float) -> str:
    """A row: CPU in percent of a core, memory."""
    with at_work(run, {}, clusters) as (store, conductors):
        asyncio.run(first_round(store))
        before, began = conductors.cpu_s(), time.monotonic()
        time.sleep(seconds)
        percent = 100 * (conductors.cpu_s() - before) / (time.monotonic() - began)
        return f"| {run.database} | {run.conductors} | {clusters} | {percent:.1f} % | {conductors.rss_mib():.0f} MiB |"


def create(run: Run, count: int) -> str:
    """A row: time against the ideal, claims a second, CPU, memory."""
    options = {
        "CONDUCTOR__WORKERS": "5000",
        "CONDUCTOR__TENANT_WORKERS": "5000",
        "PROVIDER__CALLS_AT_ONCE": "10000",
        "FAKE__LATENCY_S": f"ensure_machine=5..{_LONGEST_S:g}",
    }
    with at_work(run, options) as (store, conductors):
        before = conductors.cpu_s()
        began = time.monotonic()
        done = asyncio.run(ask_and_wait(store, {"project": count}))
        took_s, ideal_s = time.monotonic() - began, _LONGEST_S + _BOOT_S
        starts = sorted(one.started_at.timestamp() for one in done if one.started_at)
        claims = len(starts) / max(0.001, starts[-1] - starts[0])
        failed = sum(one.state is not OperationState.SUCCEEDED for one in done)
        cpu_ms = 1000 * (conductors.cpu_s() - before) / count
        return (
            f"| {run.database} | {run.conductors} | {count} | {took_s:.0f} s | {took_s / ideal_s:.2f} | {claims:.0f} | "
            f"{cpu_ms:.0f} ms | {conductors.rss_mib():.0f} MiB | {failed} |"
        )


def fair(run: Run, many: int, few: int) -> str:
    """A row: mean wait until the work begins, of both projects."""
    options = {"CONDUCTOR__WORKERS": "20", "CONDUCTOR__TENANT_WORKERS": "10", "FAKE__LATENCY_S": "0.05"}
    with at_work(run, options) as (store, _):
        done = asyncio.run(ask_and_wait(store, {"many": many, "few": few}))
        waits = {
            name: statistics.mean(
                (one.started_at - one.created_at).total_seconds()
                for one in done
                if one.project_id == name and one.started_at and one.created_at
            )
            for name in ("many", "few")
        }
        return f"| {run.database} | {run.conductors} | {many} | {waits['many']:.1f} s | {few} | {waits['few']:.1f} s |"


async def ask_and_wait(store: SqlStore, wishes: Mapping[str, int]) -> Sequence[Operation]:
    """So many creates of each project, in one transaction, in this order; returns when all are over."""
    await store.start()
    now = SystemClock().now()
    made = [
        replace(builders.cluster(name=f"{project}-{number}", project_id=project), created_at=now)
        for project, count in wishes.items()
        for number in range(count)
    ]
    template = builders.template(project_id="admin", public=True, created_at=now)
    made = [replace(cluster, template_uuid=template.uuid, shape=template.shape) for cluster in made]
    groups = [replace(group, created_at=now) for cluster in made for group in builders.groups(cluster, workers=1)]
    asked = [replace(builders.operation(cluster), created_at=now) for cluster in made]
    filled = ((tables.templates, [template]), (tables.clusters, made), (tables.node_groups, groups))
    async with store._write() as connection:
        for table, things in (*filled, (tables.operations, asked)):
            await connection.execute(table.insert(), [values(thing) for thing in things])
    final = tables.operations.c.state.in_(tuple(OPERATION_FINAL))
    ends = time.monotonic() + 20 * _LONGEST_S
    while True:
        async with store._read() as connection:
            over = (await connection.execute(sa.select(sa.func.count()).where(final))).scalar_one()
        if over == len(asked):
            break
        if time.monotonic() > ends:
            raise TimeoutError(f"{over} of {len(asked)} operations are over after {20 * _LONGEST_S:g} s")
        await asyncio.sleep(0.5)
    async with store._read() as connection:
        found = dicts(await connection.execute(sa.select(tables.operations)))
    await store.stop()
    return [plain(Operation, row) for row in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rest", type=int, default=10_000)
    parser.add_argument("--create", type=int, default=1000)
    parser.add_argument("--fair", type=int, nargs=2, default=(400, 10), metavar=("MANY", "FEW"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--runs", nargs="+", type=Run.parse, default=list(map(Run.parse, ("sqlite:1", "postgresql:1", "postgresql:2")))
    )
    parser.add_argument("--only", nargs="+", choices=("rest", "create", "fair"), default=("rest", "create", "fair"))
    given = parser.parse_args()
    print(f"load average before: {os.getloadavg()[0]:.1f}", flush=True)
    for part in given.only:
        for run in given.runs:
            if part == "rest":
                print("rest", rest(run, given.rest, given.seconds), flush=True)
            elif part == "create":
                print("create", create(run, given.create), flush=True)
            else:
                print("fair", fair(run, *given.fair), flush=True)
    print(f"load average after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
