"""Settings of the fake provider, as text from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ...contracts import refuse_unknown
from ...domain.errors import ConfigError
from .catalogue_file import CatalogueFile, read_catalogue
from .cloud import Cloud, Fault

_KNOWN = ("boot_s", "catalogue", "faults", "latency_s", "state")


def read_settings(settings: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of FakeProvider. Raises ConfigError naming option and value."""
    refuse_unknown("fake", settings, _KNOWN)
    try:
        faults = msgspec.json.decode(settings.get("faults", "[]"), type=list[Fault])
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"[fake] faults: {error}", hint='Write a JSON list: [{"call": "ensure_machine", ...}]'
        ) from error
    state, file = settings.get("state"), settings.get("catalogue")
    offered = read_catalogue(Path(file).expanduser()) if file else CatalogueFile()
    return {
        "cloud": Cloud(Path(state) if state else None, faults),
        "boot_s": _seconds(settings, "boot_s", 0.3),
        "latency_s": _seconds(settings, "latency_s", 0.0),
        "catalogue": offered.catalogue,
        "operation_faults": offered.faults,
        "drivers": offered.drivers,
    }


def _seconds(settings: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(settings.get(name, default))
    except ValueError as error:
        raise ConfigError(f"[fake] {name} = {settings[name]} is no number of seconds.") from error
    if value < 0:
        raise ConfigError(f"[fake] {name} = {value:g} is negative.")
    return value
