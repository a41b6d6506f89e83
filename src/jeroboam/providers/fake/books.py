"""What the fake cloud has made: an SQLite file that survives kill -9 and that several processes share, or a database in memory.

Calls block, for some microseconds: there is no disk to wait for (`synchronous=OFF`, so only a power cut may ruin it).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

_BUSY_S = 15.0
_FIRST_PORT = 20000
_TABLES = """
CREATE TABLE IF NOT EXISTS networks (cluster TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS endpoints (port INTEGER PRIMARY KEY AUTOINCREMENT, cluster TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS machines (
  number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, cluster TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS machines_of ON machines (cluster);
INSERT INTO sqlite_sequence (name, seq) SELECT 'endpoints', %d
  WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'endpoints');
"""


class FakeMachine(msgspec.Struct):
    """A row that plays a machine. `made_at` is a moment of the wall clock, in seconds."""

    name: str
    cluster: str
    group: str
    role: str
    index: int
    address: str
    made_at: float
    boot_fails: str = ""
    id: str = ""
    image: str | None = None
    keys: str | None = None
    state: str = "running"  # a MachineState
    unmade: bool = False  # only its address is left, for the next one of its name


class State(msgspec.Struct):
    """Everything there is, at one moment."""

    networks: dict[str, str]  # cluster uuid -> name
    endpoints: dict[str, int]  # cluster uuid -> outside port
    machines: dict[str, FakeMachine]  # by name


class Books:
    """Each method is one transaction."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(
            path or ":memory:", timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.executescript("BEGIN IMMEDIATE;" + _TABLES % (_FIRST_PORT - 1) + "COMMIT;")

    def network(self, cluster: str, name: str) -> str:
        """The name of the cluster's network: the given one, unless it has one already."""
        with self._change():
            self._run("INSERT INTO networks VALUES (?, ?) ON CONFLICT DO NOTHING", cluster, name)
            return str(self._run("SELECT name FROM networks WHERE cluster = ?", cluster)[0][0])

    def port(self, cluster: str) -> int:
        """The outside port of the cluster's endpoint; no two clusters ever have the same."""
        with self._change():
            found = self._run("SELECT port FROM endpoints WHERE cluster = ?", cluster)
            found = found or self._run("INSERT INTO endpoints (cluster) VALUES (?) RETURNING port", cluster)
            return int(found[0][0])

    def add(self, name: str, cluster: str, make: Callable[[Sequence[FakeMachine], int], FakeMachine]) -> FakeMachine:
        """The machine of this name, running; if there is none or it failed, `make(those of the cluster, a number never given before)`,
        at the address of one that was unmade."""
        with self._change():
            found = self._machines("WHERE name = ?", name)
            if found and not found[0].unmade and found[0].state != "failed":
                return self._started(found[0])
            self._run("DELETE FROM machines WHERE name = ?", name)
            [(number,)] = self._run(
                "INSERT INTO machines (name, cluster, body) VALUES (?, ?, '') RETURNING number", name, cluster
            )
            made = make(self._machines("WHERE cluster = ? AND body <> ''", cluster), number)
            if found:
                made.address = found[0].address
            self._run("UPDATE machines SET body = ? WHERE number = ?", msgspec.json.encode(made).decode(), number)
            return made

    def unmake(self, name: str) -> None:
        """Leave the machine's address for the next one of its name."""
        with self._change():
            for machine in self._machines("WHERE name = ?", name):
                machine.unmade = True
                self._write(machine)

    def stop(self, name: str) -> None:
        """As by a power cut: it stays, and does not run until it is asked for again."""
        self.call(name, "stopped")

    def call(self, name: str, state: str) -> None:
        """Let a machine be in this state (MachineState) until it is asked for again."""
        with self._change():
            for machine in self._machines("WHERE name = ?", name):
                machine.state = state
                self._write(machine)

    def _started(self, machine: FakeMachine) -> FakeMachine:
        if machine.state != "running":
            machine.state = "running"
            self._write(machine)
        return machine

    def _write(self, machine: FakeMachine) -> None:
        self._run("UPDATE machines SET body = ? WHERE name = ?", msgspec.json.encode(machine).decode(), machine.name)

    def machines(self, cluster: str) -> Sequence[FakeMachine]:
        return self._machines("WHERE cluster = ? ORDER BY number", cluster)

    def machines_of(self, clusters: Collection[str]) -> Sequence[FakeMachine]:
        """Of several clusters, in one statement."""
        listed = msgspec.json.encode(list(clusters)).decode()
        return self._machines("WHERE cluster IN (SELECT value FROM json_each(?)) ORDER BY number", listed)

    def machine(self, name: str) -> FakeMachine | None:
        return next(iter(self._machines("WHERE name = ?", name)), None)

    def count(self) -> int:
        """Machines of all clusters."""
        return int(self._run("SELECT count(*) FROM machines WHERE body <> ''")[0][0])

    def remove(self, name: str) -> None:
        self._run("DELETE FROM machines WHERE name = ?", name)

    def remove_all(self, cluster: str) -> None:
        with self._change():
            for table in ("machines", "endpoints", "networks"):
                self._run(f"DELETE FROM {table} WHERE cluster = ?", cluster)  # noqa: S608 - names of ours

    def state(self, cluster: str | None = None) -> State:
        """Of one cluster, or of all."""
        of, values = ("WHERE cluster = ?", (cluster,)) if cluster else ("", ())
        networks = self._run(f"SELECT cluster, name FROM networks {of}", *values)  # noqa: S608
        endpoints = self._run(f"SELECT cluster, port FROM endpoints {of}", *values)  # noqa: S608
        return State(dict(networks), dict(endpoints), {m.name: m for m in self._machines(of, *values)})

    def _machines(self, where: str, *values: object) -> list[FakeMachine]:
        rows = self._run(f"SELECT body FROM machines {where}", *values)  # noqa: S608
        return [msgspec.json.decode(body, type=FakeMachine) for (body,) in rows]

    def _run(self, statement: str, *values: object) -> list[Any]:
        return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[None]:
        self._run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._run("ROLLBACK")
            raise
        self._run("COMMIT")
