"""How quickly the API answers: requests a second, p50, p99 and CPU time a request, on SQLite and PostgreSQL, with few and many clusters.

    .venv/bin/python bench/api.py [--sizes 20 1000 10000] [--database sqlite postgresql] [--seconds 5] [--connections 8] [--json]

The service is one process, `jeroboam serve --api`, with the provider fake; the load comes from another. Clusters are written to the
store in bulk, about a hundred a project, and each request speaks for a project in turn. Latencies are those of a service that is kept
busy: with 8 connections a request waits for up to 7 others, so p50 is about 8 / rate. `--connections 1` shows a request alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from jeroboam.contracts import SystemClock
from jeroboam.domain import Status
from jeroboam.store import Sealer, SqlStore, tables
from jeroboam.store.rows import values
from jeroboam.testing import builders
from jeroboam.testing.postgres import PostgresServer

_LOAD = Path(__file__).with_name("http_load.py")
_START_S = 300.0
_A_PROJECT = 100
_CHUNK = 1000
_WARM_S = 0.5


@dataclass(frozen=True)
class Filled:
    """What lies in the store, as requests need it: (project, a template, a cluster) of each project."""

    projects: Sequence[tuple[str, str, str]]


async def fill(url: str, clusters: int) -> Filled:
    """So many settled clusters with two node groups each, and 20 templates a project."""
    store = SqlStore(url, Sealer(b"k" * 32), SystemClock())
    await store.start()
    names = [f"project-{number}" for number in range(max(1, clusters // _A_PROJECT))]
    now = store._clock.now()
    shape = replace(builders.template().shape, os_distro="debian")
    templates = [
        builders.template(name=f"t{n}", project_id=name, created_at=now, shape=shape)
        for name in names
        for n in range(20)
    ]
    first = {template.project_id: template for template in reversed(templates)}
    made = []
    for number in range(clusters):
        template = first[names[number % len(names)]]
        one = builders.cluster(name=f"c{number}", project_id=template.project_id, template_uuid=template.uuid)
        made.append(replace(one, status=Status.CREATE_COMPLETE, created_at=now, api_address="https://192.0.2.1:6443"))
    groups = [
        replace(group, status=Status.CREATE_COMPLETE, created_at=now, node_addresses=("192.0.2.2",))
        for cluster in made
        for group in builders.groups(cluster)
    ]
    for table, things in ((tables.templates, templates), (tables.clusters, made), (tables.node_groups, groups)):
        rows = [values(thing) for thing in things]
        for start in range(0, len(rows), _CHUNK):
            async with store._write() as connection:
                await connection.execute(table.insert(), rows[start : start + _CHUNK])
    async with store._read() as connection:
        await connection.exec_driver_sql("ANALYZE")
    await store.stop()
    cluster_of = {cluster.project_id: cluster.uuid for cluster in made}
    return Filled([(name, first[name].uuid, cluster_of[name]) for name in names])


def requests(filled: Filled) -> dict[str, list[dict[str, Any]]]:
    """By kind, one for each project."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for project, template, cluster in filled.projects:
        who = {"X-User-Id": "ada", "X-Project-Id": project, "X-Roles": "member,reader"}
        wish = {"name": "bench", "cluster_template_id": template, "node_count": 1}
        for kind, method, path, body in (
            ("list of 20", "GET", "/v1/clusters?limit=20", None),
            ("detail list of 20", "GET", "/v1/clusters/detail?limit=20", None),
            ("show", "GET", f"/v1/clusters/{cluster}", None),
            ("template list of 20", "GET", "/v1/clustertemplates?limit=20", None),
            ("create", "POST", "/v1/clusters", wish),
        ):
            one = {"method": method, "path": path, "headers": who, "body": body}
            kinds.setdefault(kind, []).append(one)
    return kinds


@contextmanager
def service(url: str, folder: Path) -> Iterator[tuple[int, int]]:
    """`jeroboam serve --api` on a database; its port and its process' id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "DEFAULT__STATE_PATH": str(folder / "data"),
        "API__PORT": str(port),
        "DATABASE__CONNECTION": url,
        "IDENTITY__MODE": "trusted_headers",
        "IDENTITY__TRUSTED_PEERS": "127.0.0.1",
        "PROVIDER__DEFAULT": "fake",
        "QUOTAS__MAX_CLUSTERS_PER_PROJECT": "1000000",
    }
    env = {**os.environ, **{f"JEROBOAM_{name}": value for name, value in options.items()}}
    program = Path(sys.executable).with_name("jeroboam")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(program), "serve", "--api"], stdout=log, stderr=log, env=env)
        try:
            _until_it_answers(process, port, folder / "log")
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(60)


def _until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < ends:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthcheck", timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"the service does not answer: {log.read_text()[-2000:]}")


def cpu_s(pid: int) -> float:
    """User and system time of a process. Source: proc(5), fields 14 and 15 of stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, wanted: list[dict[str, Any]], connections: int, seconds: float) -> dict[str, Any]:
    """What the load's process saw. Raises RuntimeError for an answer that is no success."""
    job = {"port": port, "connections": connections, "seconds": seconds, "requests": wanted}
    done = subprocess.run(
        [sys.executable, str(_LOAD)], input=json.dumps(job), capture_output=True, text=True, timeout=seconds + 120
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def measure(port: int, pid: int, wanted: list[dict[str, Any]], connections: int, seconds: float) -> dict[str, float]:
    """One kind of request, after a warm-up."""
    load(port, wanted, connections, _WARM_S)
    before = cpu_s(pid)
    seen = load(port, wanted, connections, seconds)
    count, latencies = len(seen["latencies_s"]), seen["latencies_s"]
    return {
        "requests": count,
        "per_s": count / seen["took_s"],
        "p50_ms": statistics.median(latencies) * 1000,
        "p99_ms": latencies[min(count - 1, int(count * 0.99))] * 1000,
        "cpu_us": (cpu_s(pid) - before) / count * 1e6,
    }


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """URL of an empty database that keeps its promises over a power cut."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/jeroboam.sqlite"
        return
    with PostgresServer(durable=True) as server, server.database() as url:
        yield url


def rows_of(kind: str, size: int, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each kind of request."""
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        began = time.monotonic()
        filled = asyncio.run(fill(url, size))
        _say(f"{kind}: {size} clusters written in {time.monotonic() - began:.1f} s")
        with service(url, Path(name)) as (port, pid):
            for request, wanted in requests(filled).items():
                row = measure(port, pid, wanted, asked.connections, asked.seconds)
                _say(f"  {request}: {row['per_s']:.0f}/s, p99 {row['p99_ms']:.1f} ms, load {os.getloadavg()[0]:.1f}")
                yield {"database": kind, "clusters": size, "request": request, **row}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 1000, 10_000])
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = [row for kind in asked.database for size in asked.sizes for row in rows_of(kind, size, asked)]
    if asked.json:
        print(json.dumps(rows))
        return
    print("| database | clusters | request | requests/s | p50 ms | p99 ms | CPU ms |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        figures = f"{row['per_s']:.0f} | {row['p50_ms']:.1f} | {row['p99_ms']:.1f} | {row['cpu_us'] / 1000:.2f}"
        print(f"| {row['database']} | {row['clusters']} | {row['request']} | {figures} |")


if __name__ == "__main__":
    main()
