"""Identity "basic": HTTP basic authentication against a password file, the way standalone Ironic does it.

bcrypt is slow on purpose (tens of milliseconds), so it runs in worker threads, few at a time, and what was verified is remembered
for a minute: as an HMAC under a key of this process, bound to the hash it was verified with, so that a changed file counts at once.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

import bcrypt
import structlog

from ..contracts import Caller, Identity, Unauthenticated, refuse_unknown
from ..domain.errors import ConfigError, RateLimited
from .htpasswd import PasswordFile

_CHALLENGE = 'Basic realm="jeroboam"'
_REMEMBER_S = 60.0
_REMEMBERED = 1000
_AT_ONCE = 2
_WAIT_S = 10.0
_LONGEST = 72  # bcrypt looks at no more bytes than these

_log = structlog.get_logger(__name__)


class BasicIdentity:
    """Implements contracts.Identity. Also raises RateLimited when too many passwords wait to be verified."""

    def __init__(self, file: PasswordFile) -> None:
        self._file = file
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, float] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> Identity:
        """Settings: `file`. Raises ConfigError."""
        refuse_unknown("identity", settings, ("file",))
        path = settings.get("file", "")
        if not path:
            raise ConfigError(
                "[identity] file is not set.", hint="Name a file of user:bcrypt-hash:project:roles lines."
            )
        return cls(PasswordFile(Path(path).expanduser()))

    async def authenticate(self, headers: Mapping[str, str], peer: str) -> Caller:
        user, password = _credentials(headers.get("authorization", ""))
        account = self._file.account(user)
        hashed = account.hashed if account else self._file.decoy()  # a stranger takes as long as a wrong password
        mark = hmac.digest(self._key, hashed + b"\0" + password, hashlib.sha256)
        if self._verified.get(mark, 0.0) < time.monotonic():
            if not await self._verify(password, hashed) or account is None:
                _log.info("login refused", user=user[:64], peer=peer)
                raise Unauthenticated(_CHALLENGE)
            self._remember(mark)
        if account is None:
            raise Unauthenticated(_CHALLENGE)
        return account.caller

    def check_listen(self, host: str) -> None:
        """Any address will do."""

    async def _verify(self, password: bytes, hashed: bytes) -> bool:
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._gate.acquire()
        except TimeoutError:
            raise RateLimited("Too many logins wait to be verified.", after_s=_WAIT_S) from None
        try:
            return await asyncio.to_thread(_matches, password, hashed)
        finally:
            self._gate.release()

    def _remember(self, mark: bytes) -> None:
        while len(self._verified) >= _REMEMBERED:
            self._verified.pop(next(iter(self._verified)))
        self._verified[mark] = time.monotonic() + _REMEMBER_S


def _matches(password: bytes, hashed: bytes) -> bool:
    """Constant time in the password; longer ones than bcrypt takes are wrong, never cut."""
    good = bcrypt.checkpw(password[:_LONGEST].replace(b"\0", b"?"), hashed)
    return good and len(password) <= _LONGEST and b"\0" not in password


def _credentials(header: str) -> tuple[str, bytes]:
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated(_CHALLENGE)
    try:
        user, colon, password = base64.b64decode(coded.strip(), validate=True).partition(b":")
        name = user.decode()
    except (binascii.Error, ValueError):
        raise Unauthenticated(_CHALLENGE) from None
    if not colon:
        raise Unauthenticated(_CHALLENGE)
    return name, password
