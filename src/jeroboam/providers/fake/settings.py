"""Settings of the fake provider, as text from the configuration."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ...contracts import refuse_unknown
from ...domain.errors import ConfigError
from .catalogue_file import CatalogueFile, read_catalogue
from .cloud import Cloud, Fault
from .weather import Spread, Weather

_WEATHER = ("away_every_s", "away_s", "error_rate", "latency_s", "machine_life_s", "machine_quota")
_CALLS = (
    "ensure_network",
    "ensure_endpoint",
    "ensure_machine",
    "list_machines",
    "delete_machine",
    "unmake_machine",
    "delete_all",
)
_KNOWN = ("boot_s", "catalogue", "faults", "state", *_WEATHER)


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
        "weather": _weather(settings),
        "catalogue": offered.catalogue,
        "operation_faults": offered.faults,
        "drivers": offered.drivers,
    }


def _weather(settings: Mapping[str, str]) -> Weather:
    rate, quota = settings.get("error_rate", "0"), settings.get("machine_quota", "0")
    if not re.fullmatch(r"(0|1|0?\.\d+)", rate):
        raise ConfigError(f"[fake] error_rate = {rate} is no number from 0 to 1.")
    if not re.fullmatch(r"\d{1,9}", quota):
        raise ConfigError(f"[fake] machine_quota = {quota} is no whole number from 0.")
    every_s, away_s = _seconds(settings, "away_every_s", 60.0), _seconds(settings, "away_s", 0.0)
    if away_s >= every_s:
        raise ConfigError(f"[fake] away_s = {away_s:g} is not less than away_every_s = {every_s:g}.")
    return Weather(
        latencies=_latencies(settings.get("latency_s", "0")),
        error_rate=float(rate),
        away_s=away_s,
        away_every_s=every_s,
        machine_life_s=_seconds(settings, "machine_life_s", 0.0),
        machine_quota=int(quota),
    )


def _latencies(text: str) -> dict[str, Spread]:
    found = {}
    for word in filter(None, (one.strip() for one in text.split(","))):
        call, _, spread = word.rpartition("=")
        if call and call not in _CALLS:
            raise ConfigError(f"[fake] latency_s names the call {call}.", hint=f"Calls are: {', '.join(_CALLS)}.")
        try:
            found[call] = Spread.parse(spread)
        except ValueError as error:
            raise ConfigError(
                f"[fake] latency_s = {word} is no number of seconds.",
                hint="Write 2, 5..60 (evenly), exp:20 (mean), or a list of CALL=SECONDS.",
            ) from error
    return found


def _seconds(settings: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(settings.get(name, default))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"[fake] {name} = {settings[name]} is no number of seconds.")
    if value < 0:
        raise ConfigError(f"[fake] {name} = {value:g} is negative.")
    return value
