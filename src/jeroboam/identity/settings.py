"""What modes share: what counts as this machine only, and the word for a caller without a project."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

NEEDS_PROJECT = "A token of a project is needed; this one is of a domain, of the system or of no scope."


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
