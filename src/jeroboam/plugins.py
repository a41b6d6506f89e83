"""Drivers and providers by entry point: found by name, loaded when chosen, and a broken one stops only those who chose it.

Which drivers are loaded: those of [drivers] enabled_drivers; when that is not set, with provider `fake` the driver `fake`
alone (nothing real can boot there), and with any other provider all that are installed but `fake` (which would claim what
the real ones serve). [drivers] disabled_drivers are taken off in each case. Where the provider declares drivers in its own
settings, these are the installed ones; they may claim the same, so that the choice between them can be tested. Settings of a
provider stand in the group of its name, those of a driver in `NAME_driver`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from itertools import combinations
from typing import Any

from .contracts import DeclaredDriver, DeclaresDrivers, Driver, Provider
from .domain.errors import ConfigError

DRIVERS = "jeroboam.drivers"
PROVIDERS = "jeroboam.providers"
FAKE = "fake"
Settings = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Installed:
    """Entry points by name: what is installed, not what works."""

    drivers: Mapping[str, EntryPoint]
    providers: Mapping[str, EntryPoint]
    doubled: Sequence[EntryPoint] = ()  # of a name that another package brings as well

    @property
    def settings_groups(self) -> frozenset[str]:
        """Groups of the configuration that belong to plug-ins."""
        return frozenset({*self.providers, *(f"{name}_driver" for name in self.drivers)})


@dataclass(frozen=True)
class Drivers:
    """The loaded ones by name, and why others that were to be loaded could not be."""

    loaded: Mapping[str, Driver]
    broken: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None  # what the provider declares as such


def installed() -> Installed:
    """What the environment offers. Reads metadata, imports nothing of it."""
    drivers, providers = list(entry_points(group=DRIVERS)), list(entry_points(group=PROVIDERS))
    named = (_by_name(drivers), _by_name(providers))
    doubled = [
        one
        for found, names in zip((drivers, providers), named, strict=True)
        for one in found
        if names[one.name].value != one.value
    ]
    return Installed(*named, doubled)


def load_provider(found: Installed, name: str, settings: Settings) -> Provider:
    """The provider of that name. Raises ConfigError when it is not installed, broken, twice there, or refuses its settings."""
    _refuse_doubled(found)
    entry = found.providers.get(name)
    if entry is None:
        raise _unknown("[provider] default", name, found.providers)
    try:
        made: Provider = _plugin(entry).create(settings.get(name, {}))
    except _Broken as error:
        raise ConfigError(f"The provider {name} cannot be loaded: {error}.") from error
    return made


def tried(entry: EntryPoint, settings: Mapping[str, str]) -> tuple[Any, str]:
    """What the entry point makes, and ""; or None, and why it cannot be used. Raises nothing, whatever its code does."""
    try:
        return _plugin(entry).create(settings), ""
    except ConfigError as error:
        return None, error.message
    except _Broken as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - foreign code
        return None, _reason(error)


def declared_drivers(provider: Provider) -> Sequence[DeclaredDriver]:
    """What the provider's settings say of drivers, usually nothing."""
    return provider.declared_drivers if isinstance(provider, DeclaresDrivers) else ()


def load_drivers(
    found: Installed,
    *,
    provider: str,
    enabled: Collection[str] = (),
    disabled: Collection[str] = (),
    settings: Settings,
    declared: Sequence[DeclaredDriver] = (),
) -> Drivers:
    """The drivers that the rule above names. A broken one is fatal when `enabled` names it, else recorded.

    Raises ConfigError: an unknown name, one that is there twice, none left, two that claim the same, settings that a driver refuses.
    """
    _refuse_doubled(found)
    if declared:
        return _declared(found, declared, enabled, disabled, settings)
    names = chosen_drivers(found, provider=provider, enabled=enabled, disabled=disabled)
    loaded: dict[str, Driver] = {}
    broken: dict[str, str] = {}
    for name in names:
        try:
            loaded[name] = _plugin(found.drivers[name]).create(settings.get(f"{name}_driver", {}))
        except _Broken as error:
            if name in enabled:
                raise ConfigError(f"The driver {name} cannot be loaded: {error}.") from error
            broken[name] = str(error)
    if not loaded:
        raise _none_left(names, broken)
    _check_claims(loaded)
    return Drivers(loaded, broken)


def _declared(
    found: Installed,
    declared: Sequence[DeclaredDriver],
    enabled: Collection[str],
    disabled: Collection[str],
    settings: Settings,
) -> Drivers:
    by_name = {one.name: one for one in declared}
    _check_known(by_name, enabled, disabled)
    plugin = _plugin(found.drivers[FAKE])
    names = sorted((set(enabled) or set(by_name)) - set(disabled))
    loaded = {name: plugin.declare(by_name[name], settings.get(f"{FAKE}_driver", {})) for name in names}
    if not loaded:
        raise _none_left((), {})
    return Drivers(loaded, default=next((name for name in names if by_name[name].default), None))


def _check_known(known: Mapping[str, object], enabled: Collection[str], disabled: Collection[str]) -> None:
    for option, names in (("enabled_drivers", enabled), ("disabled_drivers", disabled)):
        for name in names:
            if name not in known:
                raise _unknown(f"[drivers] {option}", name, known)


def chosen_drivers(
    found: Installed, *, provider: str, enabled: Collection[str] = (), disabled: Collection[str] = ()
) -> list[str]:
    """The names of the drivers that are to be loaded. Raises ConfigError for an unknown name."""
    _check_known(found.drivers, enabled, disabled)
    usual = {FAKE} if provider == FAKE else set(found.drivers) - {FAKE}
    return sorted((set(enabled) or usual) - set(disabled))


def _none_left(names: Iterable[str], broken: Mapping[str, str]) -> ConfigError:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in broken.items())
    message = f"No driver can be loaded: {reasons}." if reasons else "No driver is left to load."
    return ConfigError(
        message, hint="Look at [drivers] enabled_drivers and disabled_drivers, and at what is installed."
    )


def quarrel(name: str, drivers: Mapping[str, Driver]) -> str:
    """What another of these drivers claims as this one does, with whose move it is; "" when nothing."""
    for other, driver in sorted(drivers.items()):
        claim = "" if other == name else _claim(drivers[name], driver)
        if claim:
            return f"claims ({claim}), as {other} does: set [drivers] disabled_drivers"
    return ""


def _check_claims(drivers: Mapping[str, Driver]) -> None:
    """Raises ConfigError when two drivers serve the same (server type, OS, COE): which one would make a cluster?"""
    for (one, first), (other, second) in combinations(sorted(drivers.items()), 2):
        claim = _claim(first, second)
        if claim:
            raise ConfigError(
                f"The drivers {one} and {other} both claim ({claim}).",
                hint=f"Set [drivers] disabled_drivers = {one} or {other}.",
            )


def _claim(first: Driver, second: Driver) -> str:
    """The first type of cluster that both serve, or ""."""
    both = first.capabilities.cluster_types & second.capabilities.cluster_types
    return ", ".join(min(both)) if both else ""


class _Broken(Exception):
    """A plug-in that cannot be imported or is none."""


def _plugin(entry: EntryPoint) -> Any:
    """The object that the entry point names."""
    try:
        found = entry.load()
    except Exception as error:  # foreign code: whatever its import raises is the reason
        raise _Broken(_reason(error)) from error
    if not callable(getattr(found, "create", None)):
        raise _Broken(f"{entry.value} has no method `create`")
    return found


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _by_name(found: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
    """The first of each name."""
    names: dict[str, EntryPoint] = {}
    for entry in found:
        names.setdefault(entry.name, entry)
    return names


def rivals(found: Installed, name: str, group: str) -> str:
    """The packages that bring an entry point of this name, when they are several, with whose move it is; "" when one does."""
    others = [one for one in found.doubled if (one.name, one.group) == (name, group)]
    if not others:
        return ""
    first = (found.drivers if group == DRIVERS else found.providers)[name]
    return f"{' and '.join(map(_from, (first, *others)))} both bring it: uninstall one of the packages"


def _refuse_doubled(found: Installed) -> None:
    """Raises ConfigError: which of two of one name would serve?"""
    for one in found.doubled:
        raise ConfigError(
            f"Two plug-ins of {one.group} are named {one.name}: {rivals(found, one.name, one.group)}.",
            hint="`jeroboam plugins` lists what is installed.",
        )


def _from(entry: EntryPoint) -> str:
    return f"{entry.dist.name} ({entry.value})" if entry.dist else entry.value


def _unknown(option: str, name: str, known: Mapping[str, object]) -> ConfigError:
    near = get_close_matches(name, known, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    return ConfigError(f"{option}: {name} is not installed.", hint=f"Installed are: {_list(known)}.{guess}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
