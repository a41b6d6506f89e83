"""The HTTP server inside our own event loop: uvicorn without its signal handlers, opened last and closed first."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import uvicorn

from ..domain.errors import DeadlineExceeded
from .listening import Door, refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_START_S = 30.0
_LAST_ANSWERS_S = 3
_BACKLOG = 2048


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it is open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.open = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the whole process' business."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.open.set()


class HttpServer:
    """Start once, stop once. `app` speaks ASGI."""

    def __init__(self, app: Callable[..., Awaitable[None]], door: Door) -> None:
        self._listener, self._place = door.socket, door.place
        self._server = _Server(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=_LAST_ANSWERS_S,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """From here on requests are answered. Raises ConfigError when somebody else was quicker to take the port."""
        try:
            self._listener.listen(_BACKLOG)
        except OSError as error:
            raise refused(self._place, error) from error
        self._task = asyncio.create_task(self._server.serve([self._listener]), name="http")
        opened = asyncio.create_task(self._server.open.wait())
        await asyncio.wait({self._task, opened}, timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        if self._task.done():
            await self._task
        elif not self._server.open.is_set():
            raise DeadlineExceeded(f"Port {self._place.port} of {self._place.host} was not open within {_START_S:g} s.")

    async def wait(self) -> None:
        """Until it ends, which it does not by itself."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Take no more requests; answer those under way, at most a few seconds long."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
