"""Labels that this driver reads, and their values as types."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ...contracts import LabelSpec, Problem
from ...domain import Labels

LABELS = (
    LabelSpec("lxd_tag", "version", "", "LXD version; must be the node image's own. Empty: whatever it holds."),
    LabelSpec("container_network_cidr", "cidr", "10.201.0.0/16", "Addresses of system containers; a /24 each member."),
)
_PREFIX_LENGTH = 16


@dataclass(frozen=True)
class Options:
    """The labels, read."""

    lxd_tag: str | None
    network: ipaddress.IPv4Network


def read(labels: Labels) -> tuple[Options | None, list[Problem]]:
    """The options, or everything that is wrong with them."""
    given = {spec.name: labels.get(spec.name) or spec.default for spec in LABELS}
    text = given["container_network_cidr"]
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        network = None
    if network is None or network.prefixlen != _PREFIX_LENGTH:
        wish = "an IPv4 network of length 16 such as 10.201.0.0/16"
        message = f"Label container_network_cidr = {text} is not usable."
        return None, [Problem(message, "labels.container_network_cidr", f"Give {wish}.")]
    return Options(given["lxd_tag"] or None, network), []


def options(labels: Labels) -> Options:
    """The options of labels that were checked before. Raises ValueError with what is wrong otherwise."""
    found, problems = read(labels)
    if found is None:
        raise ValueError("; ".join(problem.message for problem in problems))
    return found
