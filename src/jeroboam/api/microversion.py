"""Microversions: what a client asks for in OpenStack-API-Version and what is answered. Source: API contract, section 1.2."""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import BadMicroversion, UnsupportedMicroversion

SERVICE = "container-infrastructure-management"
FIRST, LAST = 1, 14
SERVICES = (SERVICE, "container-infrastructure", "container-infra")
_NUMBER = re.compile(r"(\d{1,6})\.(\d{1,6})")


class Version(NamedTuple):
    """1.`minor`."""

    minor: int

    def __str__(self) -> str:
        return f"1.{self.minor}"


def negotiate(header: str | None) -> Version:
    """The version to serve; the lowest when none is asked for. Raises BadMicroversion, UnsupportedMicroversion."""
    if header is None:
        return Version(FIRST)
    words = header.split()
    if words and words[-1].lower() == "latest" and len(words) <= 2:
        return Version(LAST)
    if len(words) != 2 or words[0] not in SERVICES:
        raise BadMicroversion
    match = _NUMBER.fullmatch(words[1])
    if match is None:
        raise BadMicroversion
    major, minor = int(match[1]), int(match[2])
    if major != 1 or not FIRST <= minor <= LAST:
        raise UnsupportedMicroversion(words[1])
    return Version(minor)


def headers(used: str) -> dict[str, str]:
    """What every answer of a controller carries."""
    return {
        "OpenStack-API-Minimum-Version": f"{SERVICE} 1.{FIRST}",
        "OpenStack-API-Maximum-Version": f"{SERVICE} 1.{LAST}",
        "OpenStack-API-Version": f"{SERVICE} {used}",
        "vary": "OpenStack-API-Version",
    }
