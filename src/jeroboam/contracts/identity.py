"""Who is calling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Caller:
    """An authenticated person or robot. `roles` in lower case."""

    user_id: str
    project_id: str
    roles: frozenset[str]
    user_name: str = ""
    project_name: str = ""
    domain_id: str = ""

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles


class Unauthenticated(Exception):
    """No valid credentials. `challenge` is the value of WWW-Authenticate."""

    def __init__(self, challenge: str) -> None:
        super().__init__("The request you have made requires authentication.")
        self.challenge = challenge


class Identity(Protocol):
    """Turns the headers of a request (names in lower case) and its peer's address into a Caller."""

    async def authenticate(self, headers: Mapping[str, str], peer: str) -> Caller:
        """Raises Unauthenticated; RetryLater when it cannot be found out just now."""
        ...

    def check_listen(self, host: str) -> None:
        """Raises ConfigError where this mode must not listen on `host` (mode "none" off loopback ...)."""
        ...


@runtime_checkable
class ProjectLookup(Protocol):
    """An extra ability of an identity: it knows all projects, not only the caller's."""

    async def project_exists(self, project_id: str) -> bool:
        """Raises RetryLater when it cannot be found out just now."""
        ...
