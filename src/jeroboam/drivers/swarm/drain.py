"""Making a node safe to remove: nothing new comes, what runs moves, the node is struck off."""

from __future__ import annotations

import asyncio

from ...domain.errors import CoeUnreachable, DeadlineExceeded
from ..live_api import Json
from .engine import Engine
from .health import is_ready, name_of

LIMIT_S = 300.0
_MISSED_S = 60.0
_LOOK_S = 0.5
_ENDED = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})


async def release(engine: Engine, name: str, *, dead: bool = False, limit_s: float = LIMIT_S) -> None:
    """Drain, demote, strike off. `dead`: known to be, though its managers may not have missed it yet; one that they miss meanwhile is
    waited for no longer. Repeatable; unknown nodes count as released. Raises DeadlineExceeded."""
    for node in [node for node in await engine.nodes() if name_of(node) == name]:
        if is_ready(node):
            await _put_out(engine, node["ID"])
            if not dead:
                await emptied(engine, node["ID"], name, limit_s=limit_s)
        await engine.remove_node(node["ID"])


async def emptied(engine: Engine, ident: str, name: str, *, limit_s: float = LIMIT_S) -> None:
    """Wait until nothing runs on a node that takes nothing new, or its managers miss it. Raises DeadlineExceeded naming what holds it."""
    left: list[Json] = []
    try:
        async with asyncio.timeout(limit_s):
            left = await _running(engine, ident)
            while left and await _answers(engine, ident):
                await asyncio.sleep(_LOOK_S)
                left = await _running(engine, ident)
    except TimeoutError:
        names = ", ".join(str(task.get("ServiceID", ""))[:12] for task in left[:5])
        raise DeadlineExceeded(
            f"{name}: {len(left)} tasks did not leave within {limit_s:g} s; their services: {names}.",
            hint="A slow shutdown or a placement constraint may hold them; make room for them elsewhere, then retry.",
        ) from None


async def missed(engine: Engine, ident: str, name: str, *, limit_s: float = _MISSED_S) -> None:
    """Wait until its managers miss a node that does not run any more. Raises CoeUnreachable (retried): it may run again.
    Source: swarmkit, dispatcher: three heartbeats of 5 s."""
    try:
        async with asyncio.timeout(limit_s):
            heard = await _answers(engine, ident)
            while heard:
                await asyncio.sleep(_LOOK_S)
                heard = await _answers(engine, ident)
    except TimeoutError:
        raise CoeUnreachable(
            f"{name} was seen not running, and the swarm calls it ready {limit_s:g} s later.",
            hint="Should it not run, look whether something else joined the swarm under this name: `docker node ls` on a manager.",
        ) from None


async def _put_out(engine: Engine, ident: str) -> None:
    """No tasks, and no voice among the managers: a swarm that loses a voice unasked may lose its majority."""
    for node in await engine.nodes():
        if node["ID"] == ident:
            await engine.update_node(node, {"Availability": "drain", "Role": "worker"})


async def _answers(engine: Engine, ident: str) -> bool:
    return any(node["ID"] == ident and is_ready(node) for node in await engine.nodes())


async def _running(engine: Engine, ident: str) -> list[Json]:
    return [task for task in await engine.tasks(ident) if task["Status"]["State"] not in _ENDED]
