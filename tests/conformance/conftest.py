"""Databases for the store's suite: each test has one of its own. Most get a copy of one that was migrated once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.conformance.store_use import KEY

from jeroboam import artifacts
from jeroboam.contracts import SystemClock
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing.builders import ManualClock
from jeroboam.testing.postgres import PostgresServer

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


async def migrate(url: str) -> None:
    store = SqlStore(url, Sealer(b"k" * 32), SystemClock())
    await store.start()
    await store.stop()


@pytest.fixture(scope="session")
def swarm_image() -> str:
    """A node image that is soon made."""
    return asyncio.run(artifacts.build_distro_image("swarm")).tag


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An SQLite database at today's schema."""
    path = tmp_path_factory.mktemp("migrated") / "store.sqlite"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path.read_bytes()


@pytest.fixture(scope="session")
def migrated_database(postgres: PostgresServer) -> Iterator[str]:
    """Name of a PostgreSQL database at today's schema."""
    with postgres.database() as url:
        asyncio.run(migrate(url))
        yield postgres.name_of(url)


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database at today's schema."""
    if request.param == "sqlite":
        path = tmp_path / "store.sqlite"
        path.write_bytes(request.getfixturevalue("migrated_file"))
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database(like=request.getfixturevalue("migrated_database")) as made:
        yield made


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that nobody used yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.sqlite"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as made:
        yield made


@pytest.fixture(params=BOTH)
def engine_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of an engine's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/engine.sqlite"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as made:
        yield server.url(server.name_of(made), "postgresql+psycopg")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(url: str, clock: ManualClock) -> AsyncIterator[SqlStore]:
    made = SqlStore(url, Sealer(KEY), clock)
    await made.start()
    yield made
    await made.stop()
