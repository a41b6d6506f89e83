"""A process with a DBOS engine and one operation of three steps; dies or waits where DIE_AT says. Used by test_engine.py."""

import asyncio
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from jeroboam.conductor.dbos_engine import DbosEngine
from jeroboam.contracts import Engine

FOLDER, URL = Path(sys.argv[1]), sys.argv[2]
DIE_AT = os.environ["DIE_AT"]


def note(word: str) -> None:
    with (FOLDER / "calls").open("a") as file:
        file.write(json.dumps(word) + "\n")


async def step(name: str) -> dict[str, object]:
    note(name)
    if name == DIE_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"name": name}


async def runner(engine: Engine, uuid: str) -> None:
    note("begin")
    await engine.step("first", lambda: step("first"))
    if DIE_AT == "wait":
        (FOLDER / "waiting").touch()
        await asyncio.sleep(3600)
    await engine.step("second", lambda: step("second"))
    await engine.sleep(timedelta(milliseconds=50))
    await engine.step("third", lambda: step("third"))
    (FOLDER / "done").touch()


async def main() -> None:
    engine = DbosEngine(URL, executor_id="child")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await engine.start(runner)
    await engine.submit("op-1", tenant="a")
    await stop.wait()
    await engine.stop()


asyncio.run(main())
