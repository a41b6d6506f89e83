"""Settings of the docker provider, as text from the configuration's section [docker]."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from ...contracts import Flavor, refuse_unknown
from ...domain.errors import ConfigError

_SOCKETS = ("/run/docker.sock", "/var/run/docker.sock", "~/.docker/run/docker.sock", "~/.docker/desktop/docker.sock")
_POOL = ipaddress.IPv4Network("10.89.0.0/16")
_FLAVORS = (
    Flavor("small", "small", 1, 1536, None),
    Flavor("m1.small", "m1.small", 1, 2048, None),
    Flavor("m1.medium", "m1.medium", 2, 4096, None),
    Flavor("m1.large", "m1.large", 4, 8192, None),
)


@dataclass(frozen=True)
class DockerSettings:
    """`host`: URL of the daemon. `pool`: where /24 networks of clusters come from. `publish`: the address that APIs are published on.
    `ports`: range of the published ports, outside the kernel's ephemeral ones. `raise_limits`: raise this host's inotify limits where
    we may and the daemon is on this host. `keypairs`: names that requests may give, with no effect. `call_timeout_s`: how long one call
    to the daemon may take."""

    host: str = ""
    pool: ipaddress.IPv4Network = _POOL
    publish: str = "127.0.0.1"
    ports: range = range(26443, 28443)
    raise_limits: bool = True
    keypairs: frozenset[str] = frozenset()
    call_timeout_s: float = 120.0
    flavors: tuple[Flavor, ...] = _FLAVORS

    @property
    def url(self) -> str:
        """The daemon's URL: as set, else $DOCKER_HOST as for every Docker client, else the first socket of the usual places."""
        named = self.host or os.environ.get("DOCKER_HOST", "")
        if named:
            return named
        found = (Path(path).expanduser() for path in _SOCKETS)
        return f"unix://{next((path for path in found if path.is_socket()), Path(_SOCKETS[0]))}"


def read_settings(settings: Mapping[str, str]) -> DockerSettings:
    """Raises ConfigError naming option and value."""
    known = {field.name for field in fields(DockerSettings)} - {"flavors"}
    refuse_unknown("docker", settings, known)
    default = DockerSettings()
    return DockerSettings(
        host=_host(settings.get("host", "")),
        pool=_pool(settings["pool"]) if "pool" in settings else default.pool,
        publish=_address(settings.get("publish", default.publish)),
        ports=_ports(settings["ports"]) if "ports" in settings else default.ports,
        raise_limits=_yes(settings.get("raise_limits", "true")),
        call_timeout_s=_seconds(settings.get("call_timeout_s", "120")),
        keypairs=frozenset(filter(None, map(str.strip, settings.get("keypairs", "").split(",")))),
    )


def _host(text: str) -> str:
    if text and not re.match(r"(unix|tcp|http|https|ssh)://.", text):
        raise ConfigError(
            f"[docker] host = {text} is no URL.", hint="Write unix:///run/docker.sock or tcp://HOST:PORT."
        )
    return text


def _pool(text: str) -> ipaddress.IPv4Network:
    try:
        pool = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise ConfigError(f"[docker] pool = {text} is no IPv4 network: {error}.", hint="Write 10.89.0.0/16.") from error
    if pool.prefixlen > 24:
        raise ConfigError(f"[docker] pool = {text} is smaller than one /24, which one cluster needs.")
    return pool


def _address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise ConfigError(f"[docker] publish = {text} is no IPv4 address.", hint="Write 127.0.0.1.") from error


def _ports(text: str) -> range:
    found = re.fullmatch(r"(\d+)-(\d+)", text)
    if not found or not 1024 <= int(found[1]) <= int(found[2]) <= 65535:
        raise ConfigError(f"[docker] ports = {text} is no range of ports.", hint="Write 26443-28442.")
    return range(int(found[1]), int(found[2]) + 1)


def _yes(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise ConfigError(f"[docker] raise_limits = {text} is neither true nor false.", hint="Write true or false.")
    return words[text.lower()]


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,4}", text) or int(text) == 0:
        raise ConfigError(f"[docker] call_timeout_s = {text} is no whole number from 1 to 9999.", hint="Write 120.")
    return float(text)
