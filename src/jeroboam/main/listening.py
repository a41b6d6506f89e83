"""Addresses that we listen on: bound early, so that a taken port is told before any work begins; opened to clients last."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..domain.errors import ConfigError

_LISTENING = "0A"  # Linux, include/net/tcp_states.h


@dataclass(frozen=True)
class Place:
    """An address and the options that name it. `cure`: what helps when somebody else has the port."""

    host: str
    port: int
    host_option: str
    cure: str


def api_place(host: str, port: int) -> Place:
    """Where the API listens."""
    cure = (
        "choose another port (`--port`, JEROBOAM_API__PORT or [api] port), "
        "and export JEROBOAM_URL=http://HOST:PORT where you type the commands."
    )
    return Place(host, port, "[api] host", cure)


def metrics_place(host: str, port: int) -> Place:
    """Where a conductor tells of itself."""
    return Place(host, port, "[conductor] metrics_host", "choose another [conductor] metrics_port.")


@dataclass(frozen=True)
class Door:
    """A socket that holds its place and does not answer yet."""

    place: Place
    socket: socket.socket


def bind(place: Place) -> Door:
    """Raises ConfigError naming who has the port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigError(f"{place.host_option} = {place.host} is no address of this machine: {error}.") from error
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(address)
    except OSError as error:
        made.close()
        raise refused(place, error) from error
    return Door(place, made)


def refused(place: Place, error: OSError) -> ConfigError:
    """Why the system does not let us have the address, with the cure."""
    if error.errno == errno.EADDRINUSE:
        holder = find_holder(place.port)
        by = f" by {holder}" if holder else ""
        return ConfigError(
            f"Port {place.port} of {place.host} is in use{by}.", hint=f"Stop that program, or {place.cure}"
        )
    if error.errno == errno.EACCES:
        return ConfigError(f"Port {place.port} is for root only.", hint="Choose one above 1023.")
    return ConfigError(
        f"The service cannot listen on {place.host}, port {place.port}: {error.strerror or error}.",
        hint=f"{place.host_option} must be an address of this machine.",
    )


def find_holder(port: int, proc: Path = Path("/proc")) -> str:
    """Who listens on the port, "pid 4711 (nginx)"; "" when that cannot be known.

    Source: Linux, Documentation/networking/proc_net_tcp.rst.
    """
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not sockets:
        return ""
    for process in proc.iterdir():
        if process.name.isdigit() and _holds(process, sockets):
            return f"pid {process.name} ({_name(process)})"
    return ""


def _inodes(port: int, proc: Path) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for row in (line.split() for line in (proc / "net" / table).read_text().splitlines()[1:]):
                if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port:
                    found.add(row[9])
    return found


def _holds(process: Path, sockets: set[str]) -> bool:
    with suppress(OSError):  # not ours to look into, or gone by now
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                if os.readlink(descriptor) in sockets:
                    return True
    return False


def _name(process: Path) -> str:
    with suppress(OSError):
        return (process / "comm").read_text().strip()
    return "?"
