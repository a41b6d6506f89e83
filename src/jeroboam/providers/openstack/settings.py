"""Settings of the openstack provider, as text from the configuration's group [openstack]."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

from ...contracts import refuse_unknown
from ...domain import Secret
from ...domain.errors import ConfigError

_INTERFACES = ("public", "internal", "admin")
_CIDR = ipaddress.IPv4Network("10.0.0.0/20")


class CredentialKind(StrEnum):
    """What each cluster is worked for with, once it is there."""

    NONE = "none"  # the service's own login
    RULES = "rules"  # an application credential that may call what a cluster needs
    PLAIN = "plain"  # one without access rules


@dataclass(frozen=True)
class OpenStackSettings:
    """`auth_url`: Keystone. The user is the service's own; it needs the role `member` in every project that has clusters.
    `network_cidr`: of a cluster's own network, where its label `fixed_subnet_cidr` says nothing; clusters may have the same.
    `cafile`: certificates by which the service and its nodes know the APIs. `timeout_s`: of one call.
    `cluster_credentials`: whether each cluster has an application credential of its own, and of which kind."""

    auth_url: str
    username: str
    password: Secret
    user_domain_name: str = "Default"
    region_name: str = ""
    interface: str = "public"
    cafile: str = ""
    network_cidr: ipaddress.IPv4Network = _CIDR
    timeout_s: float = 30.0
    cluster_credentials: CredentialKind = CredentialKind.NONE

    def ca(self) -> bytes:
        """The certificates in `cafile`; b"" when it is not set. Raises ConfigError."""
        if not self.cafile:
            return b""
        try:
            return Path(self.cafile).read_bytes()
        except OSError as error:
            raise ConfigError(f"[openstack] cafile = {self.cafile} cannot be read: {error.strerror}.") from error


def read_settings(settings: Mapping[str, str]) -> OpenStackSettings:
    """Raises ConfigError naming option and value."""
    refuse_unknown("openstack", settings, {field.name for field in fields(OpenStackSettings)})
    default = OpenStackSettings("", "", Secret(b""))
    return OpenStackSettings(
        auth_url=_url(settings.get("auth_url", "")),
        username=_needed(settings, "username"),
        password=Secret(_needed(settings, "password").encode()),
        user_domain_name=settings.get("user_domain_name", default.user_domain_name),
        region_name=settings.get("region_name", ""),
        interface=_interface(settings.get("interface", default.interface)),
        cafile=settings.get("cafile", ""),
        network_cidr=_cidr(settings["network_cidr"]) if "network_cidr" in settings else default.network_cidr,
        timeout_s=_seconds(settings["timeout_s"]) if "timeout_s" in settings else default.timeout_s,
        cluster_credentials=_kind(settings.get("cluster_credentials", default.cluster_credentials)),
    )


def _needed(settings: Mapping[str, str], option: str) -> str:
    if not settings.get(option):
        raise ConfigError(f"[openstack] {option} is not set.", hint="Name the service's own user and its password.")
    return settings[option]


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        said = f"[openstack] auth_url = {text} is no URL." if text else "[openstack] auth_url is not set."
        raise ConfigError(said, hint="Name Keystone, such as https://keystone.example/v3.")
    return text


def _interface(text: str) -> str:
    if text not in _INTERFACES:
        raise ConfigError(f"[openstack] interface = {text} is not known.", hint=f"Write {', '.join(_INTERFACES)}.")
    return text


def _kind(text: str) -> CredentialKind:
    if text not in set(CredentialKind):
        raise ConfigError(
            f"[openstack] cluster_credentials = {text} is not known.", hint=f"Write {', '.join(CredentialKind)}."
        )
    return CredentialKind(text)


def _cidr(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise ConfigError(
            f"[openstack] network_cidr = {text} is no IPv4 network: {error}.", hint="Write 10.0.0.0/20."
        ) from error


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 600:
        raise ConfigError(f"[openstack] timeout_s = {text} is not between 1 and 600.", hint="Write 30.")
    return seconds
