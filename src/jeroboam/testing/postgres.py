"""A PostgreSQL server of one's own, for tests and measurements: no TCP, a socket in a folder that only its user may enter, and an end
with the process that started it, however that one ends.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import sqlalchemy as sa

_DEBIAN = Path("/usr/lib/postgresql")
_ROLE = "jeroboam"
_STARTS_WITHIN_S = 60.0
_STOPS_WITHIN_S = 20.0
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # quick; a power cut would ruin it


class PostgresServer:
    """Runs between `with` and its end. `stop` and `start` between them are an outage; what was committed is there afterwards.

    As root it runs as `postgres` or `nobody`, since PostgreSQL refuses root. `durable` keeps its promises over a power cut.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._programs = _programs()
        self._durable = durable
        self._folder = Path(tempfile.mkdtemp(prefix="jeroboam-pg-"))  # short: a socket's path has 107 bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    def __enter__(self) -> PostgresServer:
        try:
            self._make()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._remove()

    def url(self, database: str = "postgres", driver: str = "postgresql+asyncpg", role: str = _ROLE) -> str:
        """SQLAlchemy URL of a database of this server. Without a `role` it is its owner, who may do anything."""
        return f"{driver}://{role}@/{database}?host={self._folder}"

    @contextmanager
    def database(self, *, like: str = "template0") -> Iterator[str]:
        """URL of a new database, empty or a copy of the one named `like`; dropped at the end, whoever is still connected."""
        self._made += 1
        name = f"jeroboam_{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @staticmethod
    def name_of(url: str) -> str:
        """Of the database that a URL of ours names."""
        return str(sa.make_url(url).database)

    def execute(self, statement: str) -> None:
        """As the server's owner, outside a transaction."""
        engine = sa.create_engine(self.url(driver="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()

    def start(self) -> None:
        """Returns when it answers. Raises RuntimeError with its log when it does not."""
        settings = [f"unix_socket_directories={self._folder}", "listen_addresses=", "shared_buffers=64MB"]
        settings += [] if self._durable else _FORGETFUL
        command = ["postgres", "-D", str(self._data), *(word for setting in settings for word in ("-c", setting))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._as_owner(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        ends = time.monotonic() + _STARTS_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"PostgreSQL does not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Sessions are ended, transactions under way rolled back. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)  # "fast"
        try:
            process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)  # "immediate"
            process.wait(_STOPS_WITHIN_S)

    def kill(self) -> None:
        """kill -9 of the server and of all its processes, as when its machine dies. `start` recovers what was committed; only of a
        `durable` server that is all of it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGSTOP)  # it starts no more children
        for pid in [*_children(process.pid), process.pid]:
            os.kill(pid, signal.SIGKILL)
        process.wait(_STOPS_WITHIN_S)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _make(self) -> None:
        if os.geteuid() == 0:
            owner = _owner()
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        command = ["initdb", "-D", str(self._data), "-U", _ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C"]
        done = subprocess.run(
            self._as_owner([*command, "--no-sync", "--no-instructions"]),
            capture_output=True,
            cwd="/",
            timeout=_STARTS_WITHIN_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stderr.decode(errors='replace')[-2000:]}")

    def _as_owner(self, command: Sequence[str]) -> list[str]:
        """The command as the server's user, ended when our process ends."""
        program, *arguments = command
        words = [str(self._programs / program), *arguments]
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            return words
        become: list[str] = []
        if os.geteuid() == 0:
            owner = _owner()
            become = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        return [setpriv, *become, "--pdeathsig", "INT", "--", *words]

    def _answers(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder), "-U", _ROLE, "-d", "postgres"]
        return subprocess.run(ready, timeout=_STARTS_WITHIN_S, check=False).returncode == 0

    def _remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _children(parent: int) -> list[int]:
    """Source: Linux, Documentation/filesystems/proc.rst, stat: the fourth field is the parent's pid."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            words = (process / "stat").read_text().rpartition(")")[2].split()
            if int(words[1]) == parent:
                found.append(int(process.name))
    return found


def _owner() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


def _programs() -> Path:
    """Where `initdb` and `postgres` lie; Debian keeps them off PATH. Raises FileNotFoundError."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = [folder for folder in _DEBIAN.glob("*/bin") if (folder / "initdb").exists()]
    if not versions:
        raise FileNotFoundError(
            "PostgreSQL is not installed: run scripts/ensure-postgres, or put its bin folder on PATH"
        )
    return max(versions, key=lambda folder: int(folder.parent.name))
