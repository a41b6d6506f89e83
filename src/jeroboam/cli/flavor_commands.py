"""`jeroboam flavor`: the machine sizes that templates and clusters may ask for."""

from __future__ import annotations

from .apps import flavor as flavor_app
from .options import DEFAULTS, Common, framed
from .output import show_json, show_table
from .wire import Json


@flavor_app.command(name="list")
@framed
def list_(*, common: Common = DEFAULTS) -> int:
    """List the flavors you may use.

    Example: jeroboam flavor list
    """
    with common.client() as client:
        flavors: list[Json] = client.get("ext/v1/flavors")["flavors"]
    if common.json:
        show_json(flavors)
        return 0
    rows = [(one["name"], f"{one['vcpus']:g}", _ram(one["ram_mib"]), _disk(one["disk_gib"])) for one in flavors]
    show_table(("NAME", "VCPUS", "RAM", "DISK"), rows, nothing="The service has no flavors.")
    return 0


def _ram(mib: int) -> str:
    """0 is no limit."""
    if not mib:
        return "no limit"
    return f"{mib / 1024:g} GiB" if mib >= 1024 else f"{mib} MiB"


def _disk(gib: int | None) -> str:
    """None is a share of the host's; 0 is none of its own: the volume's size is said elsewhere."""
    return "the host's" if gib is None else f"{gib} GiB" if gib else "none"
