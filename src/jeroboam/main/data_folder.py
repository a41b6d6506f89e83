"""The data folder: what a service keeps on its own machine. One conductor at a time works on it."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ..config import Config
from ..domain.errors import ConfigError

_PRIVATE = 0o700
_MARKS = ("executor-id", "jeroboam.sqlite", "engine.sqlite", "key")


@dataclass(frozen=True)
class DataFolder:
    """Where everything lies. `database` is the URL of the store."""

    path: Path
    database: str
    key_file: Path

    @property
    def engine(self) -> str:
        """URL of the durable engine's own database: a file here beside an SQLite store, PostgreSQL itself (in a schema of its own)."""
        url = make_url(self.database)
        if url.get_backend_name() == "sqlite":
            return f"sqlite:///{self.path / 'engine.sqlite'}"
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    @property
    def fake_cloud(self) -> Path:
        return self.path / "fake-cloud.sqlite"

    @property
    def clouds(self) -> Path:
        return self.path / "clouds.yaml"

    def make(self) -> None:
        """Make it, for its owner alone. Raises ConfigError for a folder that others may enter."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            mode = self.path.stat().st_mode & 0o777
            if mode & 0o077 and not any(self.path.iterdir()):
                self.path.chmod(_PRIVATE)
            elif mode & 0o077:
                raise _open(self.path, mode)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def check_free(self) -> None:
        """Makes nothing where there is nothing. Raises ConfigError when another conductor works on it."""
        if os.path.exists(self.path / "lock"):  # unlike Path.exists, False where we may not look
            with self.locked():
                pass

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold it; the lock ends with the process, however it ends. Raises ConfigError with the pid of who has it."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _held(self.path, file.read().strip()) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def executor_id(self) -> str:
        """Name under which the durable engine knows this folder's conductor, made once. Call it under the lock."""
        file = self.path / "executor-id"
        if file.exists():
            return file.read_text().strip()
        made = uuid.uuid4().hex
        write_private(file, made + "\n")
        return made


def locate(config: Config, environ: Mapping[str, str]) -> DataFolder:
    """Where the configuration puts things; see [DEFAULT] state_path. Touches nothing. Raises ConfigError."""
    connection = config.database.connection
    stored = _sqlite_file(connection) if connection else None
    folder = config.default.state_path
    if folder is None:
        folder = stored.with_name(stored.name + ".d") if stored else default_folder(environ)
    if connection and stored:
        connection = make_url(connection).set(database=str(stored)).render_as_string(hide_password=False)
    key = config.secrets.key_file or folder / "key"
    return DataFolder(folder, connection or f"sqlite:///{folder / 'jeroboam.sqlite'}", key)


def default_folder(environ: Mapping[str, str]) -> Path:
    """$XDG_DATA_HOME/jeroboam. Source: XDG Base Directory Specification 0.8; a relative value counts as unset."""
    base = Path(environ.get("XDG_DATA_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "share") / "jeroboam"


def write_private(file: Path, text: str) -> None:
    """The whole file or nothing, mode 0600 from birth."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)


def _sqlite_file(connection: str) -> Path | None:
    """The file of an SQLite URL; None for another database."""
    try:
        url = make_url(connection)
    except (ArgumentError, ValueError) as error:
        raise ConfigError("[database] connection is no SQLAlchemy URL.", hint="Write sqlite:////PATH.") from error
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise ConfigError(
            f"[database] connection = {connection} names no file: everything would be forgotten at the end.",
            hint="Write sqlite:////PATH.",
        )
    return Path(url.database).absolute()


def _open(path: Path, mode: int) -> ConfigError:
    """Closing it is the cure for a folder of ours only: done to `/` or a home, it would harm the machine."""
    if any((path / mark).is_file() for mark in _MARKS):
        return ConfigError(
            f"The data folder {path} is open to other users (mode {mode:o}).",
            hint=f"chmod 700 {path}, or choose an empty folder.",
        )
    return ConfigError(
        f"{path} is no data folder of Jeroboam's: it holds other things and is open to other users (mode {mode:o}).",
        hint="Choose a new or an empty folder.",
    )


def _held(path: Path, pid: str) -> ConfigError:
    who = f" (pid {pid})" if pid else ""
    stop = f"Stop it (`kill {pid}`)" if pid else "Stop it"
    return ConfigError(
        f"Another Jeroboam{who} works on the data folder {path}.",
        hint=f"{stop}, or give this one a folder and a port of its own.",
    )


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The data folder {path} cannot be used: {error.strerror or error}.", hint="Choose one that you may write to."
    )
