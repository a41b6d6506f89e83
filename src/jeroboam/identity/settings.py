"""Checks that all modes share: which options there are, and what counts as this machine only."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache

from ..domain.errors import ConfigError


def refuse_unknown(section: str, settings: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raises ConfigError naming the first option that does not exist."""
    unknown = sorted(set(settings) - set(known))
    if unknown:
        options = f"Options are: {', '.join(known)}." if known else "There are no options."
        raise ConfigError(f"[{section}] {unknown[0]} is not an option.", hint=options)


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """True for names and addresses that only this machine reaches. The empty text and 0.0.0.0 are all addresses."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = address_of(host)
    return address is not None and address.is_loopback


def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address in `text`, an IPv4 one taken out of its IPv6 mapping; None when it is none."""
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
