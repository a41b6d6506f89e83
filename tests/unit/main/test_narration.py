"""What the log is told of an operation: its cluster's name, whether it begins or goes on, and its end."""

from collections.abc import Sized
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from structlog.testing import capture_logs

from jeroboam.contracts import SystemClock
from jeroboam.main.narration import NarratingStore
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.store import Sealer
from jeroboam.testing.stage import Stage


async def test_an_operation_begins_goes_on_and_ends(stage: Stage, tmp_path: Path) -> None:
    store = NarratingStore(f"sqlite:///{tmp_path}/told.sqlite", Sealer(b"k" * 32), SystemClock())
    await store.start()
    hangs = FakeProvider(Cloud(faults=[Fault("ensure_machine", "hang")]))
    with capture_logs() as told:
        _, create = await replace(stage, store=store).add(name="lab")
        with suppress(TimeoutError):
            await replace(stage, store=store, provider=hangs).run(create, within_s=0.3)
        opened = len(store._rows[create.uuid])
        for _ in range(3):
            await store.list_steps(create.uuid)
        assert len(store._rows[create.uuid]) == opened
        await replace(stage, store=store).run(create)
    await store.stop()
    lines = [str(one["event"]) for one in told]
    about = [line for line in lines if line in ("lab: create: begins", "lab: create: goes on")]
    assert about == ["lab: create: begins", "lab: create: goes on"]
    assert lines[-1].startswith("lab: create: succeeded after ")
    assert all(line.startswith("lab: create: ") for line in lines)
    left: list[Sized] = [store._running, store._begun, store._untold, store._steps, store._rows]
    assert [len(one) for one in left] == [0, 0, 0, 0, 0]
