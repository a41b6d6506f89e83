"""Loops that belong together: none outlives the others, whichever way they end."""

import asyncio

import pytest

from jeroboam.conductor.together import together
from jeroboam.domain.errors import LeaseOver


async def for_ever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("error", [LeaseOver("gone"), RuntimeError("a bug")], ids=["lease", "bug"])
async def test_the_end_of_one_ends_the_other(error: BaseException) -> None:
    async def dies() -> None:
        await asyncio.sleep(0)
        raise error

    with pytest.raises(type(error), match=str(error)):
        await together(for_ever(), dies())
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_cancel_ends_all() -> None:
    running = asyncio.create_task(together(for_ever(), for_ever()))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asyncio.all_tasks() == {asyncio.current_task()}
