"""`jeroboam template labels`: what may be written into labels, as the service's drivers declare it."""

from __future__ import annotations

from .apps import template as template_app
from .errors import Usage
from .options import DEFAULTS, Common, framed
from .output import show_json, show_table
from .wire import Json, segment


@template_app.command(usage="jeroboam template labels [OPTIONS] [DRIVER]")
@framed
def labels(driver: str | None = None, /, *, common: Common = DEFAULTS) -> int:
    """List the labels of a driver with type, default and meaning.

    Example: jeroboam template labels kubernetes

    Parameters
    ----------
    driver
        Name of a driver; may be left out where the service has one only.
    """
    with common.client() as client:
        name = driver or _only_one([str(one["name"]) for one in client.get("ext/v1/drivers")["drivers"]])
        found: list[Json] = client.get(f"ext/v1/drivers/{segment(name)}/labels")["labels"]
    if common.json:
        show_json(found)
        return 0
    rows = [(one["name"], _type(one), one["default"] or "-", one["meaning"]) for one in found]
    show_table(("LABEL", "TYPE", "DEFAULT", "MEANING"), rows, nothing="This driver reads no labels.")
    return 0


def _only_one(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    raise Usage("Which driver?", hint=f"Name one of: {', '.join(sorted(names))}.")


def _type(label: Json) -> str:
    unit = f" ({label['unit']})" if label["unit"] else ""
    return "|".join(label["choices"]) or f"{label['type']}{unit}"
