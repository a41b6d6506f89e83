"""Identity "none": everybody who reaches the socket is the administrator. For one person on one machine."""

from __future__ import annotations

from collections.abc import Mapping

from ..contracts import Caller, Identity, Unauthenticated, refuse_unknown
from ..domain.errors import ConfigError
from .settings import is_loopback

_CALLER = Caller(
    user_id="admin",
    project_id="admin",
    roles=frozenset({"admin", "member", "reader"}),
    user_name="admin",
    project_name="admin",
)


class NoneIdentity:
    """Implements contracts.Identity. The Host header must name this machine, so that no web page can come in by a rebound name."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> Identity:
        """No settings. Raises ConfigError."""
        refuse_unknown("identity", settings)
        return cls()

    async def authenticate(self, headers: Mapping[str, str], peer: str) -> Caller:
        host = headers.get("host", "localhost")
        if not is_loopback(_without_port(host)):
            raise Unauthenticated('None realm="jeroboam: mode none serves localhost only"')
        return _CALLER

    def check_listen(self, host: str) -> None:
        if not is_loopback(host):
            raise ConfigError(
                f"[identity] mode none must not listen on {host or 'all addresses'}: everybody there would be administrator.",
                hint="Listen on 127.0.0.1, or use the mode basic or trusted_headers.",
            )


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
