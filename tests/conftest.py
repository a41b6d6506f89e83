from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from jeroboam.contracts import SystemClock
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing.stage import Stage

if TYPE_CHECKING:
    from tests.keystone import Keystone
    from tests.lanes import Lanes
    from xdist.remote import Producer

    from jeroboam.testing.postgres import PostgresServer

# A shell without job control starts what runs in its background with Ctrl-C ignored, and every child inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# An example's time says how busy the machine is.
settings.register_profile("jeroboam", deadline=None)
settings.load_profile("jeroboam")

pytest.register_assert_rewrite(
    *("jeroboam.testing.provider_suite", "jeroboam.testing.driver_suite", "jeroboam.testing.life_suite"),
    "jeroboam.testing.credential_suite",
)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """SQLite and fakes that boot at once."""
    store = SqlStore(f"sqlite:///{tmp_path}/stage.sqlite", Sealer(b"k" * 32), SystemClock())
    await store.start()
    yield Stage(store, FakeProvider(Cloud(), boot_s=0), FakeDriver(), SystemClock())
    await store.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL server. Tests that use it bear the mark `postgresql`; those that stop it have one of their own."""
    from jeroboam.testing.postgres import PostgresServer

    with PostgresServer() as server:
        yield server


@pytest.fixture
def keystone() -> Iterator[Keystone]:
    """A Keystone stand-in with ada, a member of the project blue. It opens a socket: tests that use it bear the mark `sockets`."""
    from tests.keystone import Keystone  # a web server is not every test's import

    with Keystone() as started:
        started.realm.add_user("ada", "pass-ada", "blue", "member")
        yield started


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Who runs what where pytest runs in several processes."""
    from tests.lanes import Lanes

    return Lanes(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests on OpenStack want root, gigabytes and minutes: they run when `-m` names them, and are told of as deselected otherwise."""
    left_out = [item for item in items if item.get_closest_marker("openstack")]
    if left_out and "openstack" not in config.option.markexpr:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if hasattr(config, "workerinput"):  # one of several processes
        from tests.lanes import arrange

        arrange(items)
