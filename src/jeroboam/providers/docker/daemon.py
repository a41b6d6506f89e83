"""The Docker daemon behind one door: a deadline for every call, and its errors in our words."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiodocker
import aiohttp

from ...domain.errors import HostUnsupported, ProviderRefused, ProviderUnavailable, RateLimited
from .engine import may_lock_up
from .labels import CLUSTER

MIN_API = (1, 41)  # Docker 20.10: private cgroup namespaces
_REFUSED = (
    (r"no space left on device", "The disk of the Docker daemon is full; make room (`docker system df`)."),
    (r"[Nn]o such image", "Build the node image (`jeroboam image build`)."),
    (r"cannot allocate memory", "The host has no memory left; use fewer or smaller nodes."),
)
# Of the daemon's port allocator, of its proxy, and of Docker 28's own bind. An address of a network is "Address already in use".
_PORT_TAKEN = r"port is already allocated|address already in use"

_REACH = "Look at the daemon and at what stands before its socket; this goes on when it answers."
_START = "Start Docker (`scripts/ensure-docker` in a checkout), or set [docker] host."
_OVERLOADED = "It is overloaded, or its disk is."
_LOCKED_UP = (
    "It lists containers but no networks: most likely it is locked up, a known fault of Docker Engine before 20.10.27. "
    "Restart the Docker daemon; all goes on then."
)
_LOOK_S = 5.0
_ODD = (ValueError, TypeError, LookupError, AttributeError)  # how aiodocker meets an answer of another shape
_NO_CONNECTION = 900  # aiodocker's own number

Found = dict[str, Any]


class Missing(Exception):
    """The daemon knows no such thing."""


class Taken(Exception):
    """The daemon says that this exists already, overlaps, or is in use. The text is the daemon's."""


class PortTaken(Taken):
    """The port of the host that a container publishes is another's: a container's or a program's."""


class Daemon:
    """A thin client. Raises Missing and Taken for the caller to handle; all else is translated."""

    def __init__(self, url: str, call_s: float = 120.0) -> None:
        self.url = url
        self._call_s = call_s
        self._client: aiodocker.Docker | None = None
        self._one_by_one = False
        self._ends: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self) -> Found:
        """Connect; returns `docker info`. Raises HostUnsupported with the cure."""
        try:
            info = await self.info()
            version = await self.version()
        except ProviderUnavailable as error:
            raise HostUnsupported(
                f"No Docker daemon answers at {self.url}: {error.message}",
                hint=_LOCKED_UP if error.hint == _LOCKED_UP else _START,
            ) from error
        api = tuple(int(part) for part in version["ApiVersion"].split("."))
        if api < MIN_API:
            raise HostUnsupported(
                f"Docker {version['Version']} is too old (API {version['ApiVersion']}).",
                hint="Install Docker 20.10 or newer.",
            )
        if info.get("OSType") != "linux":
            raise HostUnsupported("This Docker daemon runs Windows containers.", hint="Switch it to Linux containers.")
        self._one_by_one = may_lock_up(version["Version"])
        return info

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def info(self) -> Found:
        async with self._call() as client:
            return dict(await client.system.info())

    async def version(self) -> Found:
        async with self._call() as client:
            found: Found = await client.version()
            return found

    async def containers(self, labels: Mapping[str, str | None]) -> list[Found]:
        """Summaries of all containers, running or not, that carry the labels (None: any value)."""
        filters = {"label": _label_filter(labels)}
        async with self._call() as client:
            return _rows([c._container for c in await client.containers.list(all=True, filters=filters)])

    async def inspect(self, name: str) -> Found:
        async with self._call() as client:
            return (await client.containers.get(name))._container

    async def create(self, name: str, config: Found) -> None:
        async with self._call() as client:
            await client.containers.create(config, name=name)

    async def unpack(self, name: str, tar: bytes) -> None:
        """Unpack a tar at / of a container that need not run."""
        async with self._call() as client:
            await client.containers.container(name).put_archive("/", tar)  # type: ignore[no-untyped-call]

    async def run(self, name: str) -> None:
        """Start; running already is success. Raises PortTaken, and the container stays as if never started."""
        async with self._call() as client:
            await client.containers.container(name).start()

    async def halt(self, name: str) -> None:
        """Stop in order, within the container's own time limit; stopped already is success."""
        async with self._call() as client:
            await client.containers.container(name).stop()

    async def log(self, name: str, lines: int) -> str:
        async with self._call() as client:
            said = await client.containers.container(name).log(stdout=True, stderr=True, tail=lines)
            return "".join(said)

    async def remove(self, name: str) -> None:
        """Kill and remove with its anonymous volumes."""
        async with self._call() as client:
            await client.containers.container(name).delete(force=True, v=True)

    @asynccontextmanager
    async def ending(self, network: str) -> AsyncIterator[None]:
        """Around all that ends a container of this network: one at a time where the engine may lock up else."""
        if not self._one_by_one:
            yield
            return
        async with self._ends[network]:
            yield

    async def networks(self, labels: Mapping[str, str | None] | None = None) -> list[Found]:
        filters = {"label": _label_filter(labels)} if labels else None
        async with self._call() as client:
            return _rows(await client.networks.list(filters=filters))

    async def create_network(self, config: Found) -> str:
        async with self._call() as client:
            return str((await client.networks.create(config)).id)

    async def remove_network(self, ident: str) -> None:
        async with self._call() as client:
            await (await client.networks.get(ident)).delete()

    async def volumes(self, labels: Mapping[str, str | None]) -> list[Found]:
        async with self._call() as client:
            answer = await client.volumes.list(filters={"label": _label_filter(labels)})  # type: ignore[no-untyped-call]
            return _rows(answer["Volumes"] or [])

    async def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        async with self._call() as client:
            await client.volumes.create({"Name": name, "Labels": dict(labels)})  # type: ignore[no-untyped-call]

    async def remove_volume(self, name: str) -> None:
        async with self._call() as client:
            await (await client.volumes.get(name)).delete()  # type: ignore[no-untyped-call]

    async def images(self, label: str) -> list[Found]:
        async with self._call() as client:
            return _rows(await client.images.list(filters={"label": [label]}))

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[aiodocker.Docker]:
        """Every call: connect if need be, a deadline, errors translated."""
        try:
            if self._client is None:
                self._client = aiodocker.Docker(url=self.url)
            async with asyncio.timeout(self._call_s):
                yield self._client
        except aiodocker.DockerError as error:
            raise _translated(error) from error
        except TimeoutError as error:
            raise ProviderUnavailable(
                f"Docker did not answer within {self._call_s:g} s.", after_s=5, hint=await self._why_silent()
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderUnavailable(f"Docker cannot be reached: {error}", after_s=2, hint=_REACH) from error
        except _ODD as error:
            raise ProviderUnavailable(
                f"What answers at {self.url} is no Docker daemon, or a broken one: {error}", after_s=5, hint=_REACH
            ) from error

    async def _why_silent(self) -> str:
        """The hint about a call that was not answered, found by two small ones."""
        listed = False
        try:
            async with aiodocker.Docker(url=self.url) as client:
                for ask in (client.containers.list, client.networks.list):
                    async with asyncio.timeout(min(_LOOK_S, self._call_s)):
                        await ask()
                    listed = True
        except TimeoutError:
            return _LOCKED_UP if listed else _OVERLOADED
        except (aiodocker.DockerError, aiohttp.ClientError, OSError, *_ODD):
            return _OVERLOADED
        return _OVERLOADED


def cluster_labels(cluster_uuid: str | None) -> dict[str, str | None]:
    return {CLUSTER: cluster_uuid}


def _rows(answer: object) -> list[Found]:
    """Raises TypeError where it is no list of objects."""
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise TypeError("a list was expected")
    return answer


def _label_filter(labels: Mapping[str, str | None]) -> list[str]:
    return [name if value is None else f"{name}={value}" for name, value in labels.items()]


def _translated(error: aiodocker.DockerError) -> Exception:
    message = str(error.message).strip()
    if error.status == 404 and "image" not in message.lower():
        return Missing(message)
    for pattern, hint in _REFUSED:
        if re.search(pattern, message):
            return ProviderRefused(f"Docker refused: {message}", hint=hint)
    if re.search(_PORT_TAKEN, message):
        return PortTaken(message)
    if error.status in (403, 409):
        return Taken(message)
    if error.status == 429:
        return RateLimited(
            f"Docker asks for fewer calls: {message}", after_s=5, hint="Nothing is lost; it goes on, slower."
        )
    if error.status == _NO_CONNECTION:
        return ProviderUnavailable(f"Docker cannot be reached: {message}", after_s=2, hint=_REACH)
    if error.status in (400, 404):
        return ProviderRefused(f"Docker refused: {message}")
    return ProviderUnavailable(f"Docker: {message}", after_s=2, hint="If it lasts, the daemon's log says why.")
