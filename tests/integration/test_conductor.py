"""The whole conductor as a process: it takes what is queued, and whatever kills it, the next one goes on."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from jeroboam.contracts import SystemClock
from jeroboam.domain import Health, Operation, OperationKind, OperationState, Status
from jeroboam.providers.fake import Cloud
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders

CHILD = Path(__file__).parent / "conductor_child.py"


class Process:
    """The conductor's process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._child = subprocess.Popen([sys.executable, str(CHILD), str(self._folder)])

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait(timeout=20)
            self._child = None

    def stop(self) -> int:
        assert self._child is not None
        self._child.terminate()
        code = self._child.wait(timeout=30)
        self._child = None
        return code


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    made = SqlStore(f"sqlite:///{tmp_path}/store.sqlite", Sealer(b"k" * 32), SystemClock())
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path)
    yield made
    made.kill()


async def until(true: Callable[[], Awaitable[bool]], what: str, within_s: float = 40) -> None:
    end = time.monotonic() + within_s
    while not await true():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.05)


async def test_create_and_delete_go_on_after_kill_9(store: SqlStore, process: Process, tmp_path: Path) -> None:
    cluster = builders.cluster()
    create = builders.operation(cluster)
    await builders.keep(store, cluster, create)

    async def booting() -> bool:
        return any(step.name == "boot" for step in await store.list_steps(create.uuid))

    async def ended(operation: Operation) -> bool:
        found = await store.get_operation(operation.uuid)
        return found is not None and found.state is OperationState.SUCCEEDED

    process.start()
    await until(booting, "machines boot")
    process.kill()
    row = await store.load(cluster.uuid)
    assert row is not None
    assert row.cluster.status is Status.CREATE_IN_PROGRESS

    process.start()
    await until(lambda: ended(create), "create goes on")
    row = await store.load(cluster.uuid)
    assert row is not None
    assert row.cluster.status is Status.CREATE_COMPLETE
    assert len(Cloud(tmp_path / "cloud.sqlite").state.machines) == 3

    async def healthy() -> bool:
        found = await store.load(cluster.uuid)
        return found is not None and found.cluster.health is Health.HEALTHY

    await until(healthy, "health is written")
    [conductor] = await store.list_conductors()
    assert conductor.report_count >= 2

    delete = builders.operation(cluster, OperationKind.DELETE)
    await store.request_delete(cluster.uuid, delete)

    async def cleaning() -> bool:
        return bool(await store.list_steps(delete.uuid))

    await until(cleaning, "cleanup begins")
    process.kill()
    process.start()
    await until(lambda: ended(delete), "delete goes on")
    state = Cloud(tmp_path / "cloud.sqlite").state
    assert (state.machines, state.networks, state.endpoints) == ({}, {}, {})
    assert process.stop() == 0
