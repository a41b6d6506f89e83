"""`jeroboam plugins`: the drivers, providers, identities and notifiers that this installation has, and why one cannot be used."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .. import __version__, identity, notify, plugins
from ..config import Config
from ..contracts import Driver, Provider
from ..contracts.marks import NodeMarks
from . import settings

OURS = "jeroboam"
_PIPE_COLUMNS = 160
_FLAGS = ("resize", "upgrade", "rotate_ca", "rotate_credentials", "heals")


@dataclass(frozen=True)
class Found:
    """One plug-in. `problem` says why it cannot be used, "" when it can; `used` whether this configuration chooses it."""

    kind: str
    name: str
    package: str
    version: str
    used: bool
    abilities: dict[str, list[str]] = field(default_factory=dict)
    problem: str = ""


def show_plugins(
    *,
    config: Annotated[Path | None, Parameter(help="Look at what this configuration file chooses.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a table.")] = False,
) -> None:
    """List drivers, providers, identities and notifiers, their packages, what they can do, and why one cannot be used.

    A driver or provider of another package is found when that package is installed beside this one.

    Example: jeroboam plugins
    """
    found = list(survey(plugins.installed(), settings.load(config)))
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        _table(found)


def survey(installed: plugins.Installed, config: Config) -> Iterator[Found]:
    """Everything that is installed, each tried alone: a broken one hides no other."""
    yield from _drivers(installed, config)
    for name, entry in sorted(installed.providers.items()):
        provider: Provider | None
        provider, problem = plugins.tried(entry, config.plugins.get(name, {}))
        problem = plugins.rivals(installed, name, plugins.PROVIDERS) or problem
        can = {} if provider is None else {"server_types": sorted(provider.server_types)}
        yield Found("provider", name, *_origin(entry), name == config.provider.default, can, problem)
    for name, needs in identity.modes().items():
        yield _own("identity", name, needs, used=name == config.identity.mode)
    for name, needs in notify.senders().items():
        yield _own("notifier", name, needs, used=name == config.notifications.driver)


def _drivers(installed: plugins.Installed, config: Config) -> Iterator[Found]:
    wish = config.drivers
    names = plugins.chosen_drivers(
        installed, provider=config.provider.default, enabled=wish.enabled_drivers, disabled=wish.disabled_drivers
    )
    made: dict[str, tuple[Driver | None, str]] = {
        name: plugins.tried(entry, config.plugins.get(f"{name}_driver", {}))
        for name, entry in sorted(installed.drivers.items())
    }
    used = {name: driver for name, (driver, _) in made.items() if name in names and driver is not None}
    for name, (driver, problem) in made.items():
        quarrel = plugins.quarrel(name, used) if name in used else ""
        quarrel = plugins.rivals(installed, name, plugins.DRIVERS) or quarrel
        can = {} if driver is None else _abilities(driver)
        yield Found("driver", name, *_origin(installed.drivers[name]), name in names, can, quarrel or problem)


def _origin(entry: EntryPoint) -> tuple[str, str]:
    """Package and version."""
    return (entry.dist.name, entry.dist.version) if entry.dist else ("?", "?")


def _own(kind: str, name: str, needs: str | None, *, used: bool) -> Found:
    absent = needs is not None and find_spec(needs) is None
    problem = f"needs {needs}: pip install 'jeroboam[openstack]'" if absent else ""
    return Found(kind, name, OURS, __version__, used, problem=problem)


def _abilities(driver: Driver) -> dict[str, list[str]]:
    can = driver.capabilities
    does = [name for name in _FLAGS if getattr(can, name)]
    does += ["node_marks"] if isinstance(driver, NodeMarks) else []
    return {
        "coe": [can.coe],
        "server_types": sorted(can.server_types),
        "os_distros": sorted(can.os_distros),
        "control_planes": [str(size) for size in sorted(can.control_plane_sizes)],
        "does": does,
    }


def _table(found: list[Found]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for title in ("kind", "name", "package", "used", "what it can, or why it cannot be used"):
        table.add_column(title, overflow="fold")
    for one in found:
        said = f"[red]{escape(one.problem)}[/]" if one.problem else escape(_words(one.abilities))
        table.add_row(one.kind, one.name, f"{one.package} {one.version}", "yes" if one.used else "", said)
    Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS).print(table)


def _words(abilities: dict[str, list[str]]) -> str:
    return "; ".join(f"{name} {', '.join(values)}" for name, values in abilities.items() if values)
