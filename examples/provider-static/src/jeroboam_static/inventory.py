"""The file that [static] inventory names, YAML: which machines there are, how they are reached, what is installed on them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import asyncssh
import msgspec
import yaml

from jeroboam.contracts import Flavor, Image
from jeroboam.domain.errors import ConfigError

HeldRole = Literal["control-plane", "worker", "balancer"]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Count = Annotated[int, msgspec.Meta(ge=1)]


class _Machine(msgspec.Struct, forbid_unknown_fields=True):
    name: _Text
    address: _Text
    key_file: _Text
    host_key: _Text
    image: _Text
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 22
    user: _Text = "root"
    node_address: _Text | None = None
    flavor: _Text | None = None
    roles: tuple[HeldRole, ...] = ("control-plane", "worker")


class _Image(msgspec.Struct, forbid_unknown_fields=True):
    name: _Text
    properties: dict[str, str | int | float | bool]


class _Flavor(msgspec.Struct, forbid_unknown_fields=True):
    name: _Text
    vcpus: _Count
    ram: _Count
    disk: _Count


class _File(msgspec.Struct, forbid_unknown_fields=True):
    network: _Text
    machines: Annotated[list[_Machine], msgspec.Meta(min_length=1)]
    images: Annotated[list[_Image], msgspec.Meta(min_length=1)]
    flavors: list[_Flavor] = []


@dataclass(frozen=True)
class Entry:
    """A machine that exists. `address` and `port` are where its SSH is, `node_address` where nodes and users reach it."""

    name: str
    address: str
    port: int
    user: str
    key_file: Path
    host_key: asyncssh.SSHKey
    node_address: str
    image: str
    flavor: str | None
    roles: frozenset[str]


@dataclass(frozen=True)
class Inventory:
    """What the file says."""

    network: ipaddress.IPv4Network
    entries: tuple[Entry, ...]
    images: tuple[Image, ...]
    flavors: tuple[Flavor, ...]


def read_inventory(path: Path) -> Inventory:
    """Raises ConfigError naming file, key and what would be right."""
    try:
        found = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), _File)
        return _checked(found, path.parent)
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _wrong(path, "is not UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise _wrong(path, f"is no YAML{place}: {getattr(error, 'problem', error)}") from error
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at ")
        raise _wrong(path, f"{place.strip('`').removeprefix('$').removeprefix('.') or 'the file'}: {reason}") from error
    except _Wrong as error:
        raise _wrong(path, str(error)) from error


class _Wrong(Exception):
    """Key, value, and what would be right."""


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError(f"[static] inventory: {path}: {what}.", hint="examples/provider-static/README.md has one.")


def _checked(found: _File, folder: Path) -> Inventory:
    try:
        network = ipaddress.IPv4Network(found.network)
    except ValueError as error:
        raise _Wrong(f"network: {error}; write 192.0.2.0/24") from None
    for key, names in (
        ("machines", [one.name for one in found.machines]),
        ("images", [one.name for one in found.images]),
        ("flavors", [one.name for one in found.flavors]),
    ):
        _once(f"{key}: name", names)
    entries = tuple(_entry(number, one, folder) for number, one in enumerate(found.machines))
    _once("machines: address and port", [f"{one.address}:{one.port}" for one in entries])
    _once("machines: node_address", [one.node_address for one in entries])
    for number, entry in enumerate(entries):
        _known(f"machines[{number}].image", entry.image, (one.name for one in found.images))
        if entry.flavor is not None:
            _known(f"machines[{number}].flavor", entry.flavor, (one.name for one in found.flavors))
        if ipaddress.IPv4Address(entry.node_address) not in network:
            raise _Wrong(f"machines[{number}].node_address: {entry.node_address} is not in network {network}")
    images = (Image(i.name, i.name, {k: _spelt(v) for k, v in i.properties.items()}) for i in found.images)
    flavors = (Flavor(one.name, one.name, one.vcpus, one.ram, one.disk) for one in found.flavors)
    return Inventory(network, entries, tuple(images), tuple(flavors))


def _entry(number: int, one: _Machine, folder: Path) -> Entry:
    inside = one.node_address or one.address
    try:
        ipaddress.IPv4Address(inside)
    except ValueError:
        field = "node_address" if one.node_address else "address"
        raise _Wrong(
            f"machines[{number}].{field}: {inside} is no IPv4 address; give one, as node_address where address is a name"
        ) from None
    try:
        host_key = asyncssh.import_public_key(one.host_key)
    except asyncssh.KeyImportError as error:
        raise _Wrong(
            f"machines[{number}].host_key: {error}; give a line of /etc/ssh/ssh_host_*_key.pub as `ssh-keyscan` shows it"
        ) from None
    if not one.roles:
        raise _Wrong(f"machines[{number}].roles: is empty; leave it out, or name control-plane, worker or balancer")
    key_file = folder / Path(one.key_file).expanduser()
    return Entry(
        name=one.name,
        address=one.address,
        port=one.port,
        user=one.user,
        key_file=key_file,
        host_key=host_key,
        node_address=inside,
        image=one.image,
        flavor=one.flavor,
        roles=frozenset(one.roles),
    )


def _once(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise _Wrong(f"{what} {value} comes twice")
        seen.add(value)


def _known(where: str, value: str, names: Iterable[str]) -> None:
    known = sorted(names)
    if value not in known:
        raise _Wrong(f"{where}: {value} is not there; it has {', '.join(known) or 'none'}")


def _spelt(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
