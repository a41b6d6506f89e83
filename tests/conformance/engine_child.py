"""A process with a DBOS engine and one operation of three parts; dies or waits where DIE_AT says. Used by test_engine.py."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from jeroboam.conductor.dbos_engine import DbosEngine

FOLDER, URL = Path(sys.argv[1]), sys.argv[2]
DIE_AT = os.environ["DIE_AT"]


def note(word: str) -> None:
    with (FOLDER / "calls").open("a") as file:
        file.write(json.dumps(word) + "\n")


def part(name: str) -> None:
    note(name)
    if name == DIE_AT:
        os.kill(os.getpid(), signal.SIGKILL)


async def runner(uuid: str) -> None:
    part("first")
    if DIE_AT == "wait":
        (FOLDER / "waiting").touch()
        await asyncio.sleep(3600)
    part("second")
    await asyncio.sleep(0.05)
    part("third")
    (FOLDER / "done").touch()


async def main() -> None:
    engine = DbosEngine(URL, executor_id="child")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await engine.start(runner)
    await engine.submit({"op-1": "a"})
    await stop.wait()
    await engine.stop()


asyncio.run(main())
