"""The password file of identity "basic": lines `user:bcrypt-hash:project:role,role`, re-read when it changes."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from ..contracts import Caller
from ..domain.errors import ConfigError

_NOBODY = b"$2b$10$UWXBhne1tYmKFj5YCST9Q.63FS8AkOAdnE9KD9TZ6eHgdxTF1Nxp6"  # of the word nobody, cost 10
_HASH = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
_LOOK_EVERY_S = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Account:
    """One line of the file."""

    caller: Caller
    hashed: bytes

    def __repr__(self) -> str:
        return f"Account({self.caller.user_id})"


def _cost(hashed: bytes) -> int:
    """Source: the bcrypt format, `$2b$<cost>$...`."""
    return int(hashed.split(b"$")[2])


def parse(text: str, path: str) -> dict[str, Account]:
    """Accounts by user name. Empty lines and lines that begin with # are skipped. Raises ConfigError naming the line."""
    accounts: dict[str, Account] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            account = _account(line.strip(), f"{path}, line {number}")
            if account.caller.user_id in accounts:
                raise ConfigError(f"{path}, line {number}: user {account.caller.user_id} is there twice.")
            accounts[account.caller.user_id] = account
    return accounts


def _account(line: str, where: str) -> Account:
    parts = [part.strip() for part in line.split(":")]
    form = "A line reads user:bcrypt-hash:project:role,role."
    if len(parts) != 4:
        raise ConfigError(f"{where}: {len(parts)} fields instead of 4.", hint=form)
    user, hashed, project, roles = parts
    if not user or not project:
        raise ConfigError(f"{where}: user or project is empty.", hint=form)
    if not _HASH.fullmatch(hashed):
        raise ConfigError(
            f"{where}: the second field of {user} is no bcrypt hash.", hint="Make one: htpasswd -nbB USER PASSWORD."
        )
    words = frozenset(role.strip().lower() for role in roles.split(",") if role.strip())
    return Account(Caller(user, project, words, user_name=user, project_name=project), hashed.encode())


class PasswordFile:
    """The accounts of a file. A file that became unreadable or wrong keeps the accounts it had; the first read must succeed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._accounts = parse(self._read(), str(path))
        self._next_look = time.monotonic() + _LOOK_EVERY_S

    def account(self, user: str) -> Account | None:
        """The account of this user as the file has it (looked at once a second)."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY_S
            self._refresh()
        return self._accounts.get(user)

    def decoy(self) -> bytes:
        """A hash to check a stranger's password against: the dearest of the file, so that he waits as long as anybody."""
        return max((account.hashed for account in self._accounts.values()), key=_cost, default=_NOBODY)

    def _refresh(self) -> None:
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._accounts = parse(self._read(), str(self._path))
                self._stamp = stamp
        except ConfigError as error:
            _log.error("password file not taken; the accounts stay as they were", error=error.message)

    def _look(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise ConfigError(f"[identity] file: {self._path}: {error.strerror}.") from error
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> str:
        try:
            return self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"[identity] file: {self._path} cannot be read: {error}.") from error
