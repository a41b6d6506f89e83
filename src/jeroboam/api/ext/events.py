"""An operation's changes as server-sent events. Source: WHATWG HTML, section 9.2.

`step`: a row of the timeline, when it opens and when it closes. `operation`: the operation, at each change. `end`: it is over, come
back no more. Every stream begins with all that is known, so that a reader who lost one misses nothing: rows are told apart by `id`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from ...domain.errors import RetryLater

_PAUSES_S = (0.25, 1.0)  # between looks; quick again after each change
_ALIVE_S = 5.0  # a reader who hears nothing for much longer may take the connection for dead
_LONGEST_S = 3600.0  # then the reader comes again
_AGAIN = b"retry: 1000\n\n"

Look = Callable[[int], Awaitable[tuple[Any, list[Any], bool]]]
"""The operation, its steps after the row of this id, and whether it is over."""


async def told(look: Look) -> AsyncIterator[bytes]:
    """Encoded events until it is over. A store that is away is waited for, and told of in a comment."""
    loop = asyncio.get_running_loop()
    ends, pause, silent_since = loop.time() + _LONGEST_S, _PAUSES_S[0], loop.time()
    seen = _Seen()
    yield _AGAIN
    while loop.time() < ends:
        over = False
        try:
            operation, steps, over = await look(seen.settled)
            if over:  # all of it once more: rows of parallel writers need not appear in the order of their ids
                operation, steps, over = await look(0)
            pieces = seen.changes(operation, steps)
        except RetryLater as error:
            pieces = [f": {error.message}\n\n".encode()]
        if over:
            pieces.append(_event("end", {}))
        pause = _PAUSES_S[0] if pieces else min(pause * 1.2, _PAUSES_S[1])
        if not pieces and loop.time() - silent_since >= _ALIVE_S:
            pieces = [b": alive\n\n"]
        if pieces:
            silent_since = loop.time()
            yield b"".join(pieces)
        if over:
            return
        await asyncio.sleep(pause)


class _Seen:
    """What was told. `settled` is the row up to which nothing is open."""

    def __init__(self) -> None:
        self.settled = 0
        self._steps: dict[int, Any] = {}
        self._operation: Any = None

    def changes(self, operation: Any, steps: list[Any]) -> list[bytes]:
        """Events of what is new since the last time; the operation's own comes last, but for the first time."""
        found = [_event("step", step) for step in steps if self._steps.get(step.id) != step]
        self._steps |= {step.id: step for step in steps}
        if operation != self._operation:  # times of steps are read from its beginning
            found.insert(len(found) if self._operation else 0, _event("operation", operation))
        self._operation = operation
        going = [step.id for step in steps if step.ended_at is None]
        last = max(self._steps, default=self.settled)
        self.settled = min(going) - 1 if going else last
        return found


def _event(kind: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode(data))
