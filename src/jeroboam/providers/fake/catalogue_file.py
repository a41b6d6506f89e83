"""The file that [fake] catalogue names, YAML: its schema, and from there to values. Described in docs/howto/fake-catalogue.md.

A key that is missing leaves the built-in list in its place. Of `id` and `name` one is enough.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import yaml

from ...contracts import CatalogueNetwork, DeclaredDriver, Flavor, Image, Keypair
from ...domain import COES, SERVER_TYPES
from ...domain.errors import ConfigError
from .catalogue import FakeCatalogue
from .gate import OperationFault

_LARGEST_BYTES = 4 * 1_048_576
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Ident = _Text | int  # clouds number their flavors
_Amount = Annotated[float, msgspec.Meta(ge=0)]
_Size = Annotated[int, msgspec.Meta(ge=0)]
Operation = Literal[
    "create",
    "update",
    "resize",
    "upgrade",
    "delete",
    "rotate_ca",
    "rotate_credentials",
    "heal",
    "nodegroup_create",
    "nodegroup_update",
    "nodegroup_delete",
    "*",
]


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    id: _Ident | None = None
    name: _Ident | None = None

    def names(self) -> tuple[str, str]:
        """Id and name. Raises ValueError when there is neither."""
        found = self.id if self.id is not None else self.name
        if found is None:
            raise ValueError("needs an id or a name")
        return str(found), str(self.name if self.name is not None else found)


class _Image(_Named):
    properties: dict[str, str | int | float | bool] = {}
    forbidden: bool = False


class _Flavor(_Named):
    vcpus: _Amount = 1
    ram: _Size = 1024
    disk: _Size = 10


class _Network(_Named):
    external: bool = False


class _Fault(msgspec.Struct, forbid_unknown_fields=True):
    effect: Literal["fail", "refuse", "delay"]
    name: _Text = "*"
    operation: Operation = "*"
    message: str = ""
    seconds: _Amount = 0.0


class _Driver(msgspec.Struct, forbid_unknown_fields=True):
    name: _Text
    provides: Annotated[list[tuple[_Text, _Text, _Text]], msgspec.Meta(min_length=1)]
    default: bool = False
    beta: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    images: list[_Image | _Ident] | None = None
    flavors: list[_Flavor | _Ident] | None = None
    keypairs: list[_Named | _Ident] | None = None
    networks: list[_Network | _Ident] | None = None
    subnets: list[_Named | _Ident] | None = None
    projects: list[_Ident] | None = None
    faults: list[_Fault] = []
    drivers: list[_Driver] = []


@dataclass(frozen=True)
class CatalogueFile:
    """What a file says."""

    catalogue: FakeCatalogue = field(default_factory=FakeCatalogue)
    faults: Sequence[OperationFault] = ()
    drivers: Sequence[DeclaredDriver] = ()


def read_catalogue(path: Path) -> CatalogueFile:
    """Raises ConfigError naming file, key and what would be right."""
    try:
        found = msgspec.convert(_load(path), _File)
        return CatalogueFile(
            _catalogue(found),
            tuple(OperationFault(**msgspec.structs.asdict(one)) for one in found.faults),
            _drivers(found),
        )
    except msgspec.ValidationError as error:
        raise _wrong(path, str(error)) from error
    except ValueError as error:
        raise ConfigError(f"[fake] catalogue: {path}: {error}.") from error


def _load(path: Path) -> object:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ConfigError(f"[fake] catalogue: {path} is larger than {_LARGEST_BYTES} bytes.")
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"[fake] catalogue: {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"[fake] catalogue: {path} is not UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"[fake] catalogue: {path}{place}: no YAML: {getattr(error, 'problem', error)}.") from error


def _wrong(path: Path, text: str) -> ConfigError:
    """`Expected `int`, got `str` - at `$.flavors[0].ram`` in words of the file."""
    reason, _, place = text.partition(" - at ")
    key = place.strip("`").removeprefix("$").removeprefix(".")
    section = re.match(r"\w+", key)
    kind = _SECTIONS.get(section[0]) if section else None
    known = ", ".join((kind or _File).__struct_fields__)
    at = f": {key}" if key else ""
    return ConfigError(
        f"[fake] catalogue: {path}{at}: {reason}.", hint=f"Keys of {section[0] if section else 'the file'}: {known}."
    )


_SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "images": _Image,
    "flavors": _Flavor,
    "keypairs": _Named,
    "networks": _Network,
    "subnets": _Named,
    "faults": _Fault,
    "drivers": _Driver,
}


def _catalogue(found: _File) -> FakeCatalogue:
    usual = FakeCatalogue()
    images, flavors = _entries("images", found.images, _Image), _entries("flavors", found.flavors, _Flavor)
    keypairs = _entries("keypairs", found.keypairs, _Named)
    networks = _entries("networks", found.networks, _Network)
    subnets = _entries("subnets", found.subnets, _Named)
    return FakeCatalogue(
        usual.image_list if images is None else tuple(_image(one) for one in images),
        usual.flavor_list
        if flavors is None
        else tuple(Flavor(*one.names(), one.vcpus, one.ram, one.disk) for one in flavors),
        usual.keypairs if keypairs is None else tuple(Keypair(*one.names()) for one in keypairs),
        usual.networks
        if networks is None
        else tuple(CatalogueNetwork(*one.names(), external=one.external) for one in networks),
        usual.subnets if subnets is None else tuple(CatalogueNetwork(*one.names()) for one in subnets),
        None if found.projects is None else tuple(map(str, found.projects)),
        needs_flavor=flavors is not None,
    )


def _image(one: _Image) -> Image:
    properties = {key: str(value) for key, value in one.properties.items()}
    return Image(*one.names(), properties, forbidden=one.forbidden)


E = TypeVar("E", bound=_Named)


def _entries(section: str, found: Sequence[E | _Ident] | None, made: type[E]) -> list[E] | None:
    """Entries that are only a name are spelt out; those of one name that have no id are numbered. Raises ValueError for one
    without any name, and for an id that comes twice."""
    if found is None:
        return None
    entries = [made(name=one) if isinstance(one, str | int) else one for one in found]
    names = Counter(str(one.name) for one in entries)
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if entry.id is None and names[str(entry.name)] > 1:
            entry.id = f"{entry.name}#{number}"
        try:
            ident, _ = entry.names()
        except ValueError as error:
            raise ValueError(f"{section}[{number}] {error}") from None
        if ident in seen:
            raise ValueError(
                f"{section}[{number}].id: {ident} is the id of another one, too; names may come twice, ids may not"
            )
        seen.add(ident)
    return entries


def _drivers(found: _File) -> tuple[DeclaredDriver, ...]:
    """One of each name: what several entries of one name provide is put together."""
    made: dict[str, DeclaredDriver] = {}
    for number, one in enumerate(found.drivers):
        for server_type, _, coe in one.provides:
            if server_type not in SERVER_TYPES or coe not in COES:
                raise ValueError(
                    f"drivers[{number}].provides: [{server_type}, ..., {coe}] is not [server_type, os_distro, coe] with a server type "
                    f"of {', '.join(SERVER_TYPES)} and a COE of {', '.join(COES)}"
                )
        before = made.get(one.name, DeclaredDriver(one.name, frozenset()))
        made[one.name] = DeclaredDriver(
            one.name, before.provides | set(one.provides), before.default or one.default, before.beta or one.beta
        )
    defaults = [one.name for one in made.values() if one.default]
    if len(defaults) > 1:
        raise ValueError(f"drivers: {' and '.join(defaults)} both say default: true; one may")
    return tuple(made.values())
