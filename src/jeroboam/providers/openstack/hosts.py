"""Which hosts of a cloud a flavor fits, as far as host aggregates say. Pure.

A flavor may ask that a host's aggregates bear certain metadata; where no host's do, Nova says no more than "No valid host". Aggregates are
shown to administrators only: where our user is none, nothing is said here.
Source: Nova admin guide, Host aggregates and Flavors; filter AggregateInstanceExtraSpecsFilter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...domain import Labels

SCOPE = "aggregate_instance_extra_specs:"
_TELLS_LITTLE = ("<all-in>", "=", ">", "<=", "<", "!=", "s<", "s>")  # comparisons that Nova may decide


@dataclass(frozen=True)
class Aggregate:
    """Hosts with something in common."""

    hosts: frozenset[str]
    metadata: Mapping[str, str]
    zone: str | None = None


def wishes(extra_specs: Labels) -> dict[str, str]:
    """What a flavor asks of a host's aggregates, without the scope before it."""
    return {key.removeprefix(SCOPE): value for key, value in extra_specs.items() if key.startswith(SCOPE)}


def fitting(wish: Labels, zone: str | None, aggregates: Sequence[Aggregate]) -> frozenset[str]:
    """Hosts whose aggregates have all that is wished for, together; in the zone, if one is named. A host that no aggregate gives a zone is
    in Nova's default one, whatever that is called."""
    hosts = {host for one in aggregates for host in one.hosts}
    return frozenset(host for host in hosts if _fits(wish, zone, [one for one in aggregates if host in one.hosts]))


def _fits(wish: Labels, zone: str | None, around: Sequence[Aggregate]) -> bool:
    zones = {one.zone for one in around if one.zone}
    if zone is not None and zones and zone not in zones:
        return False
    return all(_matches(asked, _values(key, around)) for key, asked in wish.items())


def _values(key: str, around: Sequence[Aggregate]) -> set[str]:
    """An aggregate may name several, with commas between."""
    texts = [one.metadata[key] for one in around if key in one.metadata]
    return {word.strip() for text in texts for word in text.split(",")}


def _matches(asked: str, there: set[str]) -> bool:
    words = asked.split()
    if not there or not words:
        return False
    if words[0] == "<or>":
        return not there.isdisjoint(words[1::2])
    if words[0] == "<in>":
        return any(" ".join(words[1:]) in value for value in there)
    if words[0] in ("s==", "s!="):
        wanted = " ".join(words[1:])
        return wanted in there if words[0] == "s==" else bool(there - {wanted})
    return asked.startswith(_TELLS_LITTLE) or asked in there
