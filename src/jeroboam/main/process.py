"""The life of the process: start in order, run until a signal, stop in the opposite order within a time limit.

Order: port, data folder, store, provider, conductor (heartbeat, then engine); what listens answers last, so that
whatever answers works. A process that is killed instead loses nothing: its operations are taken up by the next one.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import structlog
from sqlalchemy.engine import make_url

from .. import plugins
from ..config import Config
from ..contracts import Caller, Image, NeedsProjects, Provider
from ..domain import Operation
from . import assembly
from .assembly import Parts
from .data_folder import DataFolder
from .listening import Door, Place, api_place, bind, metrics_place
from .server import HttpServer

_SECRETS = ("password", "sslpassword")
_log = structlog.get_logger(__name__)
_STOP_S = 10.0
_TAKE_UP = 200
FIRST_TEMPLATE = "k8s"  # what newcomers are told to make
_OWNER = Caller(
    "admin", "admin", frozenset()
)  # sees what is in the project of whoever runs `jeroboam up`, and what is public


@dataclass(frozen=True)
class Roles:
    """Which of the two this process is."""

    api: bool = True
    conductor: bool = True


@dataclass(frozen=True)
class Ready:
    """What a freshly started process has to say of itself. `has_template` is whether FIRST_TEMPLATE is there."""

    parts: Parts
    images: Sequence[Image]
    taken_up: Sequence[Operation]
    has_template: bool


Announce = Callable[[Ready], None]
Wait = Callable[[], Awaitable[None]]


def run(config: Config, folder: DataFolder, roles: Roles, announce: Announce) -> None:
    """Returns after an orderly stop by SIGINT or SIGTERM. A second signal ends the process at once.

    Raises ConfigError, HostUnsupported, ProviderUnavailable when it cannot start.
    """
    import uvloop

    os.umask(0o077)
    uvloop.run(_until_signal(config, folder, roles, announce))


async def _until_signal(config: Config, folder: DataFolder, roles: Roles, announce: Announce) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _signalled, stop)
    life = asyncio.create_task(_live(config, folder, roles, announce), name="life")
    signalled = asyncio.create_task(stop.wait(), name="signal")
    await asyncio.wait({life, signalled}, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    if not life.done():
        life.cancel()
    with suppress(asyncio.CancelledError):
        await life


def _signalled(stop: asyncio.Event) -> None:
    if stop.is_set():
        os._exit(130)
    stop.set()
    _log.info("stopping; operations under way go on after the next start")
    _limit_stop()


def _limit_stop() -> None:
    """From here on the process has so many seconds to live."""
    late = threading.Timer(_STOP_S, _too_late)
    late.daemon = True
    late.start()


def _too_late() -> None:
    sys.stderr.write(f"jeroboam: not stopped within {_STOP_S:g} s; ended at once. Nothing is lost.\n")
    sys.stderr.flush()
    os._exit(1)


async def _live(config: Config, folder: DataFolder, roles: Roles, announce: Announce) -> None:
    async with AsyncExitStack() as stack:
        if roles.conductor:
            folder.check_free()  # before the port, since the usual second service wants the folder of the first, too
        door = _bound(stack, api_place(config.api.host, config.api.port)) if roles.api else None
        watched = roles.conductor and config.conductor.metrics_port > 0
        side = metrics_place(config.conductor.metrics_host, config.conductor.metrics_port)
        side_door = _bound(stack, side) if watched else None
        folder.make()  # after the port, so that a refused start leaves nothing behind
        if roles.conductor:
            stack.enter_context(folder.locked())
        _log.info("drivers and provider load", provider=config.provider.default)
        parts = assembly.parts(config, folder, plugins.installed())
        who = assembly.identity(config) if roles.api else None
        for name, reason in parts.broken_drivers.items():
            _log.warning("a driver is left out", driver=name, why=reason)
        _log.info("the store opens", database=place(folder.database))
        await _started(stack, parts.store.start, parts.store.stop)
        _log.info("the provider starts", provider=parts.provider.name)
        await _started(stack, parts.provider.start, parts.provider.stop)
        taken_up = await parts.store.runnable_operations(_TAKE_UP) if roles.conductor else ()
        images = await images_at(parts.provider)
        has_template = bool(await parts.store.find_templates(FIRST_TEMPLATE, _OWNER))
        ready = Ready(parts, images, taken_up, has_template)
        waits: list[Wait] = []
        if roles.conductor:
            _log.info("the conductor starts", going_on_with=len(taken_up))
            conductor = assembly.conductor(parts)
            await _started(stack, conductor.start, conductor.stop)
            waits.append(conductor.wait)
            if side_door:
                vitals = assembly.vitals(parts, conductor)
                waits.append(await _opened(stack, "the conductor's metrics", vitals, side_door))
        if who and door:
            waits.append(await _opened(stack, "the API", assembly.api(parts, who), door))
        _settle_memory()
        stack.callback(_limit_stop)  # the first to run at the end, also when a part died of a bug
        announce(ready)
        await asyncio.gather(*(wait() for wait in waits))


async def images_at(provider: Provider) -> Sequence[Image]:
    """Those of whoever runs this process; none where everything is in the tenants' own projects: it has no project of its own there."""
    return () if isinstance(provider, NeedsProjects) else await provider.catalogue.images(_OWNER.project_id)


def _settle_memory() -> None:
    """What the start made stays until the end: the collector need not look through it at each of its full rounds, which take a
    tenth of a second. What comes later is garbage by its count of references nearly always, and a thousand operations at once make the
    default's 700 new objects in a millisecond: with rounds this rare the last of them begins a sixth sooner.
    Source: Python 3.11, gc.freeze, gc.set_threshold.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def place(database: str) -> str:
    """A URL as the log may have it. Drivers of PostgreSQL take secrets among the options as well. Source: libpq 15, 34.1.2."""
    url = make_url(database)
    return url.difference_update_query(_SECRETS).render_as_string(hide_password=True)


def _bound(stack: AsyncExitStack, at: Place) -> Door:
    made = bind(at)
    stack.callback(made.socket.close)
    return made


async def _opened(stack: AsyncExitStack, what: str, app: Callable[..., Awaitable[None]], door: Door) -> Wait:
    _log.info(f"{what} opens", host=door.place.host, port=door.place.port)
    server = HttpServer(app, door)
    await _started(stack, server.start, server.stop)
    return server.wait


async def _started(
    stack: AsyncExitStack, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
) -> None:
    """Also what fails or is interrupted in its start is stopped."""
    stack.push_async_callback(stop)
    await start()
