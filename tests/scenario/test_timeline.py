"""How rows of a timeline are opened, and what stands at those that were open when the operation ended."""

import asyncio

from jeroboam.domain.errors import BootstrapFailed, DeadlineExceeded, JeroboamError
from jeroboam.reconcile.timeline import Timeline
from jeroboam.testing.builders import ManualClock
from jeroboam.testing.stage import Stage


async def ended_by(stage: Stage, error: JeroboamError) -> dict[str, tuple[str, str | None]]:
    """Message and log by target."""
    _, create = await stage.add()
    timeline = Timeline(stage.store, ManualClock(), create.uuid)
    for target in ("", "node-0", "node-1"):
        await timeline.begin("boot", target)
    await timeline.fail_open(error)
    return {step.target: (step.message, step.log) for step in await stage.store.list_steps(create.uuid)}


async def test_what_befell_one_node_is_told_there_and_the_others_were_stopped(stage: Stage) -> None:
    error = BootstrapFailed("node-0: step join failed", node="node-0", log="last words")
    assert await ended_by(stage, error) == {
        "": ("node-0: step join failed", "last words"),
        "node-0": ("node-0: step join failed", "last words"),
        "node-1": ("Stopped, because node-0 failed.", None),
    }


async def test_what_befell_all_is_told_everywhere(stage: Stage) -> None:
    late = ("too late", None)
    assert await ended_by(stage, DeadlineExceeded("too late")) == {"": late, "node-0": late, "node-1": late}


async def test_calls_of_one_name_that_begin_side_by_side_share_a_row(stage: Stage) -> None:
    """A second row of theirs would have nobody who closes it, and count as another attempt."""
    _, create = await stage.add()
    timeline = Timeline(stage.store, ManualClock(), create.uuid)
    await asyncio.gather(*(timeline.begin("call", what) for what in ("look", "look", "list", "look")))
    for what in ("look", "look", "list", "look"):
        await timeline.end("call", what)
    await timeline.begin("call", "look")
    steps = await stage.store.list_steps(create.uuid)
    told = sorted((step.target, step.attempt, step.ended_at is not None) for step in steps)
    assert told == [("list", 1, True), ("look", 1, True), ("look", 2, False)]
