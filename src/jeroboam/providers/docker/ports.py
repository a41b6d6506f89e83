"""The port of this host on which a cluster's API is published.

Other processes choose ports of the same daemon at the same time, and other programs may take one. Docker lets only one have it, so what
counts is what it says when the container starts: who is refused chooses again. A network's label tells the first choice, the label of
the container that publishes the last one; where that is gone, the cluster's own row does. Once its API has answered, users know the place,
and it stays.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from ...contracts import Address
from ...domain import Cluster
from ...domain.errors import ProviderRefused, ProviderUnavailable
from .daemon import Daemon, Found, Missing, PortTaken, Taken, cluster_labels
from .labels import PORT
from .settings import DockerSettings

_TRIED = 8  # ports in a row; so many refusals have another cause than a race


class Ports:
    """Of one daemon. Whoever publishes holds the port by its label, from before it is started."""

    def __init__(self, daemon: Daemon, settings: DockerSettings) -> None:
        self._daemon = daemon
        self._settings = settings

    async def choose(self, seed: str, preferred: int | None = None) -> int:
        """A port that no cluster has and nobody listens on. Raises ProviderRefused when the range is used up."""
        labels = {PORT: None}
        found = await asyncio.gather(self._daemon.networks(labels), self._daemon.containers(labels))
        taken = {int(one["Labels"][PORT]) for some in found for one in some}
        return free_port(self._settings.publish, self._settings.ports, taken, seed, preferred)

    async def published(self, cluster: Cluster, network: Found) -> Address:
        """Where the cluster's API is, or will be."""
        publishers = await self._daemon.containers({**cluster_labels(cluster.uuid), PORT: None})
        known = urlsplit(cluster.api_address or "").port
        port = known if known and not publishers else int((*publishers, network)[0]["Labels"][PORT])
        return Address(self._settings.publish, port)

    async def publish(
        self, name: str, seed: str, outside: Address, make: Callable[[Address], Awaitable[None]], *, settled: bool
    ) -> None:
        """`make` the container of this name and start it; unless its port is `settled`, with another each time that Docker says that it is
        taken.

        Raises ProviderUnavailable when that does not end, ProviderRefused when no port is left.
        """
        for attempt in range(_TRIED):
            try:
                await make(outside)
            except PortTaken as error:
                refusal = error
                with suppress(Missing, Taken):
                    await self._daemon.remove(name)
                if settled:
                    break
                # another seed, or those that met here meet again at the next port
                outside = Address(outside.host, await self.choose(f"{seed} {attempt}"))
            else:
                return
        raise port_taken(name, refusal) from refusal


def port_taken(name: str, error: PortTaken) -> ProviderUnavailable:
    """What is left to say when no other port will do."""
    hint = "Another program holds the port; stop it, and this goes on."
    return ProviderUnavailable(f"{name} cannot start: Docker: {error}.", after_s=5, hint=hint)


def free_port(publish: str, ports: range, taken: Collection[int], seed: str, preferred: int | None) -> int:
    """The first free one, from a place that depends on `seed`, so that racers seldom meet. Raises ProviderRefused."""
    start = int(hashlib.sha256(seed.encode()).hexdigest(), 16) % len(ports)
    order: Iterable[int] = [*([preferred] if preferred else []), *ports[start:], *ports[:start]]
    for port in order:
        if port not in taken and _listens_nobody(publish, port):
            return port
    raise ProviderRefused(
        f"No free port of {ports.start}-{ports.stop - 1} is left for another cluster.",
        hint="Widen [docker] ports, or delete a cluster.",
    )


def _listens_nobody(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRNOTAVAIL  # the daemon is on another host; it will say
    return True
