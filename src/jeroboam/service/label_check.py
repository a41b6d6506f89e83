"""Labels against what a driver declares: unknown names, values of another type. Findings, not errors: what they mean is the caller's.

A label that Magnum documents and the driver does not read is told apart from one that nobody knows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .. import healing
from ..contracts import Driver, LabelSpec
from ..domain import NO, YES, Labels, says_yes
from ..domain.errors import InvalidRequest
from .magnum_labels import DOCUMENTED

STRICT = "strict_labels"
# What the service itself reads, whatever the driver.
COMMON = (
    LabelSpec(STRICT, "bool", "false", "Refuse labels that the driver does not know or cannot read."),
    LabelSpec("boot_volume_size", "int", "0", "Size of a node's root volume; 0 is the flavor's disk.", unit="GiB"),
    LabelSpec("min_node_count", "int", "0", "Least number of nodes of the default workers."),
)
_VERSION = re.compile(r"v?[0-9]+(\.[0-9]+){0,3}([-+.~][0-9A-Za-z.+~-]+)?")


@dataclass(frozen=True)
class LabelFinding:
    """One label that will not do what its writer thinks."""

    name: str
    value: str
    message: str
    hint: str

    @property
    def field(self) -> str:
        """As a Problem names it."""
        return f"labels.{self.name}"


def schema(driver: Driver, place: Sequence[LabelSpec] = ()) -> tuple[LabelSpec, ...]:
    """Every label that has an effect with this driver, by name. `place`: those that the provider reads."""
    common = (*COMMON, *(healing.LABELS if driver.capabilities.heals else ()))
    found = {spec.name: spec for spec in (*common, *place, *driver.labels)}
    return tuple(found[name] for name in sorted(found))


def findings(driver: Driver, labels: Labels, place: Sequence[LabelSpec] = ()) -> list[LabelFinding]:
    """What is unknown or ill-typed, in the order of the labels. `place`: labels that the provider reads."""
    known = {spec.name: spec for spec in schema(driver, place)}
    found = (_finding(driver, known, name, value) for name, value in labels.items())
    return [one for one in found if one is not None]


def is_strict(labels: Labels) -> bool:
    """Whether a template asks for refusal."""
    return says_yes(labels.get(STRICT, ""))


def check_strict(driver: Driver, labels: Labels, place: Sequence[LabelSpec] = ()) -> None:
    """All findings as one error. Raises InvalidRequest."""
    found = findings(driver, labels, place)
    if found:
        texts = " ".join(f"{one.message} {one.hint}" for one in found)
        raise InvalidRequest(texts, field=found[0].field, value=found[0].value)


def _finding(driver: Driver, known: Mapping[str, LabelSpec], name: str, value: str) -> LabelFinding | None:
    spec = known.get(name)
    if spec is None:
        if name in DOCUMENTED:
            text = f"Label {name} = {value} has no effect with the driver {driver.name}."
            return LabelFinding(name, value, text, "Leave it out.")
        near = get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}."
        return LabelFinding(name, value, f"Label {name} is not known to the driver {driver.name}.", hint)
    if value == spec.default or _fits(spec, value):
        return None
    return LabelFinding(name, value, f"Label {name} = {value} is not usable.", f"Give {_wish(spec)}.")


def _fits(spec: LabelSpec, value: str) -> bool:
    if spec.type == "enum":
        return value in spec.choices
    return _TYPES[spec.type](value.strip())


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return True


_TYPES: Mapping[str, Callable[[str], bool]] = {
    "text": lambda value: True,
    "int": lambda value: value.isascii() and value.isdecimal() and len(value) < 10,
    "bool": lambda value: value.lower() in YES | NO,
    "cidr": _is_network,
    "version": lambda value: _VERSION.fullmatch(value) is not None,
}
_WISHES = {
    "text": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "cidr": "a network such as 10.100.0.0/16",
    "version": "a version such as v1.34.4",
}


def _wish(spec: LabelSpec) -> str:
    if spec.type == "enum":
        return f"one of {', '.join(spec.choices)}"
    return _WISHES[spec.type] + (f" ({spec.unit})" if spec.unit else "")
