"""Identity "keystone": a token in X-Auth-Token, validated by Keystone through keystonemiddleware, behind a cache of ours.

What blocks runs in a few worker threads of this module. The token's validation costs Keystone one call in `token_cache_time`
seconds, so a revoked token may live on for as long. A token of a domain, of the system or of no scope is told that it needs a project.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ..contracts import Caller, Identity, Unauthenticated, refuse_unknown
from ..domain.errors import ConfigError, Forbidden, IdentityUnavailable
from .settings import NEEDS_PROJECT
from .token_cache import TokenCache

if TYPE_CHECKING:
    from .keystone_calls import KeystoneCalls, Scoped

T = TypeVar("T")

# Names and meanings: keystonemiddleware.auth_token and the options of keystoneauth's plug-ins.
OPTIONS = (
    *("www_authenticate_uri", "auth_url", "auth_type", "username", "password", "user_domain_name", "user_domain_id"),
    *("project_name", "project_domain_name", "project_domain_id", "application_credential_id"),
    *("application_credential_secret", "interface", "region_name", "cafile", "certfile", "keyfile", "insecure"),
    *("http_connect_timeout", "token_cache_time"),
)
_SECTION = "keystone_authtoken"
_AT_ONCE = 8
_REFUSED_S = 10.0
_LONGEST = 16_384


class KeystoneIdentity:
    """Implements contracts.Identity and contracts.ProjectLookup. Raises IdentityUnavailable while Keystone cannot be asked."""

    def __init__(self, calls: KeystoneCalls, *, challenge_uri: str, cache_s: float, deadline_s: float) -> None:
        self._calls = calls
        self._challenge = f'Keystone uri="{challenge_uri}"'
        self._deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keystone")
        self._cache: TokenCache[Scoped] = TokenCache(lifetime_s=cache_s, refused_s=min(_REFUSED_S, cache_s))

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> Identity:
        """Settings: the options of [keystone_authtoken]. Raises ConfigError."""
        refuse_unknown(_SECTION, settings, OPTIONS)
        auth_url = settings.get("auth_url", "")
        if not auth_url:
            raise ConfigError(
                f"[{_SECTION}] auth_url is not set.",
                hint="Name Keystone, such as https://keystone.example/v3, and the account that may validate tokens.",
            )
        try:
            from .keystone_calls import KeystoneCalls
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"[identity] mode keystone needs the Python package {error.name}, which is not installed.",
                hint="pip install 'jeroboam[openstack]'",
            ) from error
        timeout_s = float(settings.get("http_connect_timeout", "5"))
        return cls(
            KeystoneCalls(settings, timeout_s=timeout_s),
            challenge_uri=settings.get("www_authenticate_uri", auth_url),
            cache_s=float(settings.get("token_cache_time", "300")),
            deadline_s=timeout_s * 2,
        )

    async def authenticate(self, headers: Mapping[str, str], peer: str) -> Caller:
        """Also raises Forbidden for a token that is of no project."""
        token = headers.get("x-auth-token", "").strip()
        if not token or len(token) > _LONGEST or not token.isascii() or not token.isprintable():
            raise Unauthenticated(self._challenge)
        found = await self._cache.get(token.encode(), lambda: self._in_thread(lambda: self._calls.validate(token)))
        if found is None:
            raise Unauthenticated(self._challenge)
        if found.caller is None:
            raise Forbidden(NEEDS_PROJECT)
        return found.caller

    def check_listen(self, host: str) -> None:
        """Any address will do."""

    async def project_exists(self, project_id: str) -> bool:
        return await self._in_thread(lambda: self._calls.project_exists(project_id))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """Within the deadline, waiting for a thread included; a call that is late ends by its own timeouts, unheard."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._deadline_s):
                return await loop.run_in_executor(self._threads, call)
        except TimeoutError:
            raise IdentityUnavailable("Keystone does not answer in time.", after_s=5.0) from None
