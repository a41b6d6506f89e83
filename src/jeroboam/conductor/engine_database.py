"""The database under the durable engine, made by us: DBOS's own would give up operations for ever when PostgreSQL is away.

Source: dbos 3.4, `_utils.retriable_postgres_exception` and `_sys_db.db_retry`. It tries again, after pauses that double up to a
minute, what failed with a lost connection; a connection that cannot be made counts only by words of its message, which those of
psycopg for a missing socket are not. Here every one counts, and connecting is tried for a while before any pause begins.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from ..domain.errors import ProviderUnavailable

_PATIENCE_S = 15.0
_PAUSE_S = 0.25
_CONNECT_S = 5
_MISTAKEN_S = 10.0
# Eight threads for us, and DBOS's own: each has one at hand.
_POOL: dict[str, Any] = {"pool_size": 12, "max_overflow": 3}
_IDLE_MS = 5000  # of a process that was stopped inside a transaction, the locks are free after that


class EngineDatabase:
    """`url` is an SQLAlchemy URL of SQLite or PostgreSQL (psycopg)."""

    def __init__(self, url: str, alive: Callable[[], bool] = lambda: True) -> None:
        self.url = url
        self._alive = alive
        self._closing = threading.Event()

    def engine(self) -> sa.Engine:
        """A new engine; DBOS disposes of it."""
        self._closing.clear()
        engine = _sqlite(self.url) if make_url(self.url).get_backend_name() == "sqlite" else self._postgresql()
        sa.event.listen(engine, "before_cursor_execute", self._wait_for_life)
        return engine

    def close(self) -> None:
        """From here on nothing waits for the database."""
        self._closing.set()

    def _wait_for_life(self, *_: object) -> None:
        """In one of DBOS's threads: a process that stood still asks first whether its work is still its own."""
        while not self._alive():
            if self._closing.wait(_PAUSE_S):
                raise RuntimeError("The engine is stopping, since its lease is over.")

    def _postgresql(self) -> sa.Engine:
        engine = sa.create_engine(self.url, **_POOL, connect_args={"connect_timeout": _CONNECT_S})
        sa.event.listen(engine, "checkout", _still_open)
        sa.event.listen(engine, "do_connect", self._connect)
        sa.event.listen(engine, "connect", _limit_idling)
        sa.event.listen(engine, "handle_error", _lost)
        return engine

    def _connect(self, dialect: sa.Dialect, _record: object, words: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """In one of DBOS's threads."""
        ends = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return dialect.connect(*words, **named)
            except dialect.loaded_dbapi.OperationalError:
                if time.monotonic() >= ends or self._closing.wait(_PAUSE_S):
                    raise


@contextmanager
def in_use() -> Iterator[None]:
    """Around a call of DBOS. Raises ProviderUnavailable for what the database fails with and DBOS does not wait out itself, such as a full
    disk: the operator may mend it meanwhile. So for a statement that it does not take, which is told apart: a conductor that ended over
    it would take what is under way along. What SQLAlchemy finds wrong without the database is a mistake of ours, and passes."""
    try:
        yield
    except (sa.exc.ProgrammingError, sa.exc.IntegrityError) as error:
        hint = "This does not pass by itself: look at the rights of its user, and whether its tables are those of this version."
        said = f"The engine's database does not take a statement: {error.orig}"
        raise ProviderUnavailable(said, after_s=_MISTAKEN_S, hint=hint) from error
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        why = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        hint = "Look at its disk, and where it is PostgreSQL, at the log of that; this goes on when it works again."
        raise ProviderUnavailable(f"The engine's database refuses: {why}", hint=hint) from error


def _still_open(connection: Any, _record: object, _proxy: object) -> None:
    """On a connection that lies in the pool nobody speaks but a server that ends it. To ask the server would take a trip a use."""
    ear = select.poll()
    if not connection.closed:
        ear.register(connection.fileno(), select.POLLIN)
    if connection.closed or ear.poll(0):
        raise sa.exc.DisconnectionError


def _lost(context: sa.engine.ExceptionContext) -> None:
    if context.connection is None:
        context.is_disconnect = True


def _limit_idling(connection: Any, _record: object) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
    connection.commit()


def _sqlite(url: str) -> sa.Engine:
    """WAL, so that the queue's polling does not wait for writers; the busy time-out is DBOS's own choice of 30 s."""
    database = make_url(url).database
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, **_POOL)

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "busy_timeout=30000", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
