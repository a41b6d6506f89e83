"""Labels that this driver reads, and their values as types."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ...contracts import KernelNeed, LabelSpec, Problem
from ...domain import Labels

ROUTING_MESH, ENCRYPTED = "swarm_routing_mesh", "swarm_encrypted_overlay"
LABELS = (
    LabelSpec("docker_tag", "version", "", "Engine version; must be the node image's own. Empty: whatever it holds."),
    LabelSpec("swarm_addr_pool", "cidr", "10.200.0.0/16", "Where overlay networks get their addresses."),
    LabelSpec("swarm_subnet_bits", "int", "24", "Part of the pool that each overlay network gets.", unit="bits"),
    LabelSpec(
        ROUTING_MESH, "bool", "false", "Services publish ports on every node; refused where the kernel lacks ip_vs."
    ),
    LabelSpec(
        ENCRYPTED,
        "bool",
        "false",
        "An overlay network `encrypted` comes with the swarm; refused where the kernel lacks esp4.",
    ),
)
_SUBNET_BITS = range(16, 29)


@dataclass(frozen=True)
class Options:
    """The labels, read."""

    docker_tag: str | None
    pool: ipaddress.IPv4Network
    subnet_bits: int
    routing_mesh: bool
    encrypted: bool


def read(labels: Labels) -> tuple[Options | None, list[Problem]]:
    """The options, or everything that is wrong with them."""
    given = {spec.name: labels.get(spec.name) or spec.default for spec in LABELS}
    problems: list[Problem] = []
    pool = _pool(given["swarm_addr_pool"], problems)
    bits = _bits(given["swarm_subnet_bits"], pool, problems)
    mesh, encrypted = (_bool(name, given[name], problems) for name in (ROUTING_MESH, ENCRYPTED))
    if pool is None or bits is None or mesh is None or encrypted is None:
        return None, problems
    return Options(given["docker_tag"] or None, pool, bits, mesh, encrypted), []


def options(labels: Labels) -> Options:
    """The options of labels that were checked before. Raises ValueError with what is wrong otherwise."""
    found, problems = read(labels)
    if found is None:
        raise ValueError("; ".join(problem.message for problem in problems))
    return found


def kernel_needs(labels: Labels) -> list[KernelNeed]:
    """What the labels ask of the nodes' kernel; of labels that cannot be read nothing."""
    chosen, _ = read(labels)
    needs = []
    if chosen and chosen.routing_mesh:
        instead = (
            "Leave the label out: `jeroboam run --publish` then opens the port on nodes with a replica (host mode)."
        )
        needs.append(KernelNeed("ip_vs", "Swarm's routing mesh", f"labels.{ROUTING_MESH}", instead))
    if chosen and chosen.encrypted:
        instead = "Leave the label out, and make overlay networks without `--opt encrypted`."
        needs.append(KernelNeed("esp4", "An encrypted overlay network", f"labels.{ENCRYPTED}", instead))
    return needs


def _pool(text: str, problems: list[Problem]) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        problems.append(_problem("swarm_addr_pool", text, "an IPv4 network such as 10.200.0.0/16"))
        return None


def _bits(text: str, pool: ipaddress.IPv4Network | None, problems: list[Problem]) -> int | None:
    bits = int(text) if text.isascii() and text.isdecimal() else -1
    if bits in _SUBNET_BITS and (pool is None or bits > pool.prefixlen):
        return bits
    wish = f"a number from {_SUBNET_BITS.start} to {_SUBNET_BITS.stop - 1} above the length of swarm_addr_pool"
    problems.append(_problem("swarm_subnet_bits", text, wish))
    return None


def _bool(name: str, text: str, problems: list[Problem]) -> bool | None:
    if text.lower() not in ("true", "false"):
        problems.append(_problem(name, text, "true or false"))
        return None
    return text.lower() == "true"


def _problem(name: str, value: str, wish: str) -> Problem:
    return Problem(f"Label {name} = {value} is not usable.", f"labels.{name}", f"Give {wish}.")
