"""Identity "trusted_headers": an authenticating proxy in front says who it is, in the headers of keystonemiddleware."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from ..contracts import Caller, Identity, Unauthenticated, refuse_unknown
from ..domain.errors import ConfigError, Forbidden, InvalidRequest
from .settings import NEEDS_PROJECT, address_of, is_loopback

Peers = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
_LOOPBACK = "127.0.0.0/8, ::1/128"
_LONGEST = 255  # what the store keeps of an id
_OTHER_SCOPES = ("x-domain-id", "openstack-system-scope")  # of keystonemiddleware, instead of a project
_CHALLENGE = 'Proxy realm="jeroboam"'


class TrustedHeadersIdentity:
    """Implements contracts.Identity. Headers count only when the connection comes from one of `peers`."""

    def __init__(self, peers: Peers, *, chosen: bool) -> None:
        self._peers = peers
        self._chosen = chosen

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> Identity:
        """Settings: `peers`, a comma list of addresses and networks (default: this machine). Raises ConfigError."""
        refuse_unknown("identity", settings, ("peers",))
        chosen = settings.get("peers", "").strip()
        return cls(_peers(chosen or _LOOPBACK), chosen=bool(chosen))

    async def authenticate(self, headers: Mapping[str, str], peer: str) -> Caller:
        """Also raises Forbidden for someone who is of no project, but of a domain or the system; InvalidRequest for what is no id."""
        address = address_of(peer)
        if address is None or not any(address in network for network in self._peers):
            raise Unauthenticated(_CHALLENGE)
        user, project = _ident(headers, "x-user-id"), _ident(headers, "x-project-id")
        confirmed = headers.get("x-identity-status", "Confirmed") == "Confirmed"
        if not user or not confirmed:
            raise Unauthenticated(_CHALLENGE)
        if not project and any(headers.get(name) for name in _OTHER_SCOPES):
            raise Forbidden(NEEDS_PROJECT)
        if not project:
            raise Unauthenticated(_CHALLENGE)
        roles = (role.strip().lower() for role in headers.get("x-roles", "").split(","))
        return Caller(
            user_id=user,
            project_id=project,
            roles=frozenset(role for role in roles if role),
            user_name=headers.get("x-user-name", ""),
            project_name=headers.get("x-project-name", ""),
            domain_id=headers.get("x-user-domain-id", ""),
        )

    def check_listen(self, host: str) -> None:
        if not self._chosen and not is_loopback(host):
            raise ConfigError(
                f"[identity] trusted_peers is empty, and the service would listen on {host or 'all addresses'}.",
                hint="List the addresses of the proxies there, such as 10.0.0.5, 10.0.1.0/24.",
            )


def _ident(headers: Mapping[str, str], name: str) -> str:
    """Raises InvalidRequest for what can be no id."""
    value = headers.get(name, "")
    if len(value) > _LONGEST or not value.isprintable():
        raise InvalidRequest(
            f"Header {name} is no id: {value[:40]!r}. Expected at most {_LONGEST} printable characters.", field=name
        )
    return value


def _peers(text: str) -> Peers:
    networks = []
    for part in (part.strip() for part in text.split(",")):
        try:
            network = ipaddress.ip_network(part)
        except ValueError as error:
            raise ConfigError(
                f"[identity] trusted_peers: {part!r} is no address or network ({error}).",
                hint="Write a comma list such as 10.0.0.5, 10.0.1.0/24.",
            ) from error
        if network.prefixlen == 0:
            raise ConfigError(f"[identity] trusted_peers: {part} trusts everybody.", hint="Name the proxies only.")
        networks.append(network)
    return networks
