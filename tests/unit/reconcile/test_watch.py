"""When silence is told, and how."""

import asyncio
from datetime import timedelta

import pytest

from jeroboam.reconcile.watch import Cut, Watch, words
from jeroboam.testing.builders import ManualClock


def test_what_does_not_change_is_told_after_the_silence_and_again_each_time_as_long() -> None:
    clock = ManualClock()
    watch = Watch(clock, timedelta(minutes=3))
    told = []
    for _ in range(8):
        told.append(watch.silent("boot", "node", "same"))
        clock.advance(60)
    assert told == ["", "", "", "3 min", "3 min", "3 min", "6 min", "6 min"]
    assert watch.silent("boot", "other", "same") == ""
    assert watch.silent("boot", "node", "moved") == ""
    clock.advance(179)
    assert watch.silent("boot", "node", "moved") == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.1, "0.1 s"), (45, "45 s"), (60, "1 min"), (90, "90 s"), (3600, "60 min")]
)
def test_times_are_told_in_minutes_where_they_are_whole(seconds: float, text: str) -> None:
    assert words(timedelta(seconds=seconds)) == text


class Call:
    """One that hangs, and what was told of it; it is given up at the `patience`-th time."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.told: list[str] = []
        self.ended = False

    async def hang(self) -> None:
        try:
            await asyncio.sleep(600)
        finally:
            self.ended = True

    async def hangs(self, time: str) -> bool:
        self.told.append(time)
        return len(self.told) == self.patience


async def test_a_call_that_hangs_is_told_until_somebody_gives_it_up_and_is_cancelled_then() -> None:
    call = Call(patience=2)
    with pytest.raises(Cut):
        await Watch(ManualClock(), timedelta(seconds=0.05)).answer(
            call.hang(), limit=timedelta(minutes=10), hangs=call.hangs
        )
    await asyncio.sleep(0)
    assert call.ended
    assert len(call.told) == 2
    first, second = (float(told.removesuffix(" s")) / 0.05 for told in call.told)
    assert 1 <= round(first, 6) <= round(second, 6)
    assert (round(first, 6) % 1, round(second, 6) % 1) == (0, 0)


async def test_a_call_is_cut_at_its_limit_and_one_that_answers_is_not() -> None:
    call, watch = Call(patience=1), Watch(ManualClock(), timedelta(minutes=3))
    with pytest.raises(Cut) as cut:
        await watch.answer(call.hang(), limit=timedelta(seconds=0.05), hangs=call.hangs)
    assert cut.value.after == timedelta(seconds=0.05)
    assert await watch.answer(asyncio.sleep(0, "done"), limit=timedelta(seconds=60), hangs=call.hangs) == "done"
    assert call.told == []
