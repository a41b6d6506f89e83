"""Writers of one process on SQLite."""

import asyncio
from pathlib import Path

import pytest

from jeroboam.contracts import Page, SystemClock
from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders


def store_in(folder: Path, busy_s: float = 15) -> SqlStore:
    return SqlStore(f"sqlite:///{folder}/jeroboam.sqlite", Sealer(b"k" * 32), SystemClock(), busy_s=busy_s)


async def test_they_have_their_turn_as_they_came(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    await store.start()
    template = await store.add_template(builders.template())
    wishes = [builders.cluster(name=f"c{number}", template_uuid=template.uuid) for number in range(24)]

    async def add(number: int) -> None:
        wish = wishes[number]
        await store.add_cluster(wish, builders.groups(wish), builders.operation(wish), max_clusters=100)

    await asyncio.gather(*(add(number) for number in range(24)))
    kept = await store.list_clusters(None, Page(limit=100, sort_key="id"))
    assert [row.cluster.name for row in kept] == [wish.name for wish in wishes]
    await store.stop()


async def test_who_waits_too_long_is_told_to_come_again(tmp_path: Path) -> None:
    store = store_in(tmp_path, busy_s=0.05)
    await store.start()
    wish = builders.cluster(template_uuid=(await store.add_template(builders.template())).uuid)
    async with store._write():
        with pytest.raises(ProviderUnavailable):
            await store.add_cluster(wish, builders.groups(wish), builders.operation(wish), max_clusters=100)
    assert await store.list_clusters(None, Page(limit=100, sort_key="id")) == []
    await store.add_cluster(wish, builders.groups(wish), builders.operation(wish), max_clusters=100)
    await store.stop()


def test_a_store_of_one_event_loop_is_stopped_in_another(tmp_path: Path) -> None:
    store = store_in(tmp_path)

    async def write() -> None:
        await store.start()
        await store.add_template(builders.template())

    async def stop() -> None:
        async with asyncio.timeout(5):
            await store.stop()

    asyncio.run(write())
    asyncio.run(stop())
