"""The door to a cloud's APIs: one call, one answer. `Rest` is the port; session.py has the real one, tests have a stand-in."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...domain import Secret
from ...domain.errors import JeroboamError, ProviderRefused, ProviderUnavailable, QuotaExceeded, RateLimited

Body = Mapping[str, Any]
HEAT, NOVA, NEUTRON, GLANCE = "orchestration", "compute", "network", "image"
OCTAVIA, CINDER = "load-balancer", "volumev3"

_PASSING = re.compile(
    r"HTTP (Error )?5\d\d|timed? ?out|connect(ion)?\b.{0,20}\b(refused|reset|aborted|failure|broken)"
    r"|unable to establish connection|max retries exceeded|service unavailable|bad gateway",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Answer:
    """What an API said. `body` is {} where it said nothing."""

    status: int
    body: Body = field(default_factory=dict)
    wait_s: float = 0.0  # Retry-After


@dataclass(frozen=True)
class Credential:
    """An application credential of our user, in one project."""

    id: str
    secret: Secret


class CredentialRefused(ProviderRefused):
    """Keystone does not take an application credential: it is revoked, or its project is closed to us."""


class ProjectClosed(ProviderRefused):
    """Our user may not enter the project. The operator's move: nothing passes here by itself."""


class Rest(Protocol):
    """Calls in the name of the service's own user. Every call has a deadline."""

    async def call(
        self,
        project_id: str,
        service: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        version: str = "",
        credential: Credential | None = None,
    ) -> Answer:
        """`path` is below the service's versioned endpoint. `version`: a microversion. `credential`: in place of our user's password.
        Any status is an answer.

        Raises ProviderUnavailable (nobody answers), ProjectClosed, CredentialRefused, ProviderRefused (our user may not log in, no such
        service).
        """
        ...

    async def identity(
        self,
        project_id: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Answer:
        """A call of Keystone with our user's password. `path` is below /v3; `{user}` in it is our user's id. `project_id` "": in none.
        Raises as `call` does."""
        ...

    async def serves(self, project_id: str, service: str) -> bool:
        """Whether the catalogue has this service."""
        ...

    async def projects(self) -> Sequence[str]:
        """The projects in which our user has a role. Raises as `call` does."""
        ...

    async def close(self) -> None: ...


def checked(answer: Answer, what: str, *, fine: Collection[int] = ()) -> Body:
    """The body of a good answer, or of one of a `fine` status. Raises what the answer means; `what` says what was to be done."""
    if answer.status < 400 or answer.status in fine:
        return answer.body
    raise translated(answer, what)


def translated(answer: Answer, what: str) -> JeroboamError:
    """A refusal in our words. Nova's quotas are a 403 and Neutron's a 409; both say so."""
    said = words(answer.body) or f"status {answer.status}"
    if is_quota(said):
        return QuotaExceeded(f"{what}: {said}", hint="Free some of it, or ask the operator of the cloud for more.")
    if answer.status in (413, 429):
        return RateLimited(f"{what}: {said}", after_s=answer.wait_s or 5.0)
    if answer.status >= 500:
        hint = "Where it lasts, the log of the service that answers so says why; this goes on when it is right again."
        return ProviderUnavailable(f"{what}: {said}", after_s=3.0, hint=hint)
    if answer.status in (401, 403):
        return ProviderRefused(f"{what}: {said}", hint="Look at the roles of the user in [openstack].")
    if answer.status == 409:
        return ProviderUnavailable(f"{what}: {said}", after_s=2.0)
    return ProviderRefused(f"{what}: {said}")


def is_quota(said: str) -> bool:
    """Whether these words of a cloud are about a quota."""
    return re.search(r"quota", said, re.IGNORECASE) is not None and (
        re.search(r"exceed|limit|OverQuota", said, re.IGNORECASE) is not None
    )


def is_passing(said: str) -> bool:
    """Whether these words of a service, told by another one, are of what passes: it was away, erred inside, or was slow."""
    return _PASSING.search(said) is not None


def words(body: object) -> str:
    """The message in an error's body, in whichever of the services' shapes; "" when there is none. At most 500 characters."""
    if isinstance(body, str):
        return body.strip()[:500]
    if not isinstance(body, Mapping):
        return ""
    direct = (body.get(key) for key in ("message", "detail", "faultstring"))
    nested = (words(value) for value in body.values() if isinstance(value, Mapping))
    last = (body.get("explanation"),)  # Heat's, where its error has no message
    found = (one.strip() for one in (*direct, *nested, *last) if isinstance(one, str))
    return next((one[:500] for one in found if one), "")
