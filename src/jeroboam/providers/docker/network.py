"""One bridge network a cluster: a /24 of the pool, and the addresses in it."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...domain.errors import ProviderRefused

CONTROL_PLANE_HOST = 2  # host number of the first of several control-plane nodes behind a balancer
ENDPOINT_HOST = 10  # host number of the API's address inside: the only control-plane node's, or the balancer's
FIRST_HOST = 11
LAST_HOST = 250
Net = ipaddress.IPv4Network


def free_subnets(pool: Net, taken: Iterable[Net], seed: str) -> Iterator[Net]:
    """The pool's /24 networks that overlap nothing in `taken`, from a place that depends on `seed`, so that racers seldom meet."""
    subnets = list(pool.subnets(new_prefix=24))
    start = int(hashlib.sha256(seed.encode()).hexdigest(), 16) % len(subnets)
    blocked = list(taken)
    return (net for net in subnets[start:] + subnets[:start] if not any(net.overlaps(other) for other in blocked))


def taken_subnets(networks: Iterable[dict[str, Any]]) -> list[Net]:
    """IPv4 subnets of Docker's networks."""
    found = []
    for network in networks:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            with suppress(ValueError):  # IPv6
                found.append(ipaddress.IPv4Network(config.get("Subnet", ""), strict=False))
    return found


def host_routes(table: Path = Path("/proc/net/route")) -> list[Net]:
    """IPv4 networks that this host routes, but the default one. Empty where there is no such table.

    Source: Linux, Documentation/networking (fields in little-endian hexadecimal).
    """
    with suppress(OSError):
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
        nets = [Net((_address(row[1]), _address(row[7])), strict=False) for row in rows if len(row) > 7]
        return [net for net in nets if net.prefixlen > 0]
    return []


def _address(word: str) -> str:
    return str(ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(word), "little")))


def network_config(name: str, subnet: Net, labels: dict[str, str]) -> dict[str, Any]:
    """Docker's network configuration. Docker keeps bridges apart from each other by its own packet filter."""
    return {
        "Name": name,
        "Driver": "bridge",
        "CheckDuplicate": True,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Config": [{"Subnet": str(subnet), "Gateway": str(subnet[1])}]},
        "Labels": labels,
    }


def free_address(subnet: Net, taken: Iterable[str]) -> str:
    """The lowest free node address. Raises ProviderRefused when the network is full."""
    used = set(taken)
    for host in range(FIRST_HOST, LAST_HOST + 1):
        if str(subnet[host]) not in used:
            return str(subnet[host])
    raise ProviderRefused(
        f"Network {subnet} is full: it holds {LAST_HOST - FIRST_HOST + 2} nodes.", hint="Ask for fewer nodes."
    )
