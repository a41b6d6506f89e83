"""From what is wished and what Keystone has to the steps between them. Pure: a dry run shows what a run does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ...domain.errors import ConfigError, Conflict
from .wish import INTERFACES, SERVICE_TYPE, Wish


class Outcome(StrEnum):
    """What a step does. `kept`: it is right already."""

    MADE = "made"
    CHANGED = "changed"
    KEPT = "kept"


class Kind(StrEnum):
    """Of what, in the order in which they need each other."""

    PROJECT = "project"
    USER = "user"
    PASSWORD = "password"  # noqa: S105 - a kind of step
    ROLE = "role"
    GRANT = "grant"
    SERVICE = "service"
    ENDPOINT = "endpoint"


@dataclass(frozen=True)
class Endpoint:
    """One row of the catalogue."""

    id: str
    interface: str
    region: str
    url: str
    enabled: bool = True


@dataclass(frozen=True)
class Service:
    """A service of our type, with all of its endpoints."""

    id: str
    name: str
    enabled: bool = True
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True)
class Found:
    """What Keystone has. An id is None for what is not there; `logs_in` is None when no password was tried."""

    regions: tuple[str, ...]
    user_id: str | None = None
    user_enabled: bool = True
    logs_in: bool | None = None
    project_id: str | None = None
    role_id: str | None = None
    granted: bool = False
    services: tuple[Service, ...] = ()


@dataclass(frozen=True)
class Step:
    """`target` is the id of what is kept or changed; `interface` and `url` are an endpoint's."""

    kind: Kind
    outcome: Outcome
    what: str
    target: str = ""
    interface: str = ""
    url: str = ""


def plan(wish: Wish, found: Found) -> tuple[Step, ...]:
    """Every step, those that keep what is there included. Raises ConfigError or Conflict before anything is changed."""
    region = choose_region(wish, found)
    service = _service(wish, found)
    if found.user_id and not found.user_enabled:
        raise Conflict(
            f"The user {wish.user} of the domain {wish.user_domain} is disabled.",
            hint=f"openstack user set --enable {found.user_id}, or name another with --user.",
        )
    if found.user_id is None and wish.password is None:
        raise ConfigError(
            f"The user {wish.user} is to be made and has no password.",
            hint="Name a file with --ini that is not there yet: one is written to it. Or set JEROBOAM_KEYSTONE_AUTHTOKEN__PASSWORD.",
        )
    return (*_account(wish, found), *_catalogue(wish, region, service))


def choose_region(wish: Wish, found: Found) -> str:
    """Raises ConfigError where it is not known or not clear."""
    there = ", ".join(found.regions) or "none"
    if wish.region:
        if wish.region in found.regions:
            return wish.region
        raise ConfigError(f"--region: Keystone knows no region {wish.region}.", hint=f"Its regions are: {there}.")
    if len(found.regions) == 1:
        return found.regions[0]
    raise ConfigError("Which region the endpoints are of is not clear.", hint=f"Name one of {there} with --region.")


def _service(wish: Wish, found: Found) -> Service | None:
    """Ours, if it is there. One of another name would share our tenants' calls: it is not touched unless it is named."""
    named = [service for service in found.services if service.name == wish.service_name]
    others = [service.name for service in found.services if service.name != wish.service_name]
    if len(named) > 1:
        raise Conflict(
            f"{len(named)} services of type {SERVICE_TYPE} are called {wish.service_name}.",
            hint=f"openstack service delete all but one of: {', '.join(service.id for service in named)}.",
        )
    if others and not named:
        raise Conflict(
            f"A service of type {SERVICE_TYPE} is registered already: {', '.join(others)}.",
            hint=f"--service-name {others[0]} takes it over, and changes its endpoints of the region; look first with --dry-run.",
        )
    if named and not named[0].enabled:
        raise Conflict(
            f"The service {wish.service_name} is disabled.", hint=f"openstack service set --enable {named[0].id}"
        )
    return named[0] if named else None


def _account(wish: Wish, found: Found) -> Iterator[Step]:
    yield _there(Kind.PROJECT, f"{wish.project} of the domain {wish.project_domain}", found.project_id)
    yield _there(Kind.USER, f"{wish.user} of the domain {wish.user_domain}", found.user_id)
    if found.user_id and found.logs_in is not None:
        outcome = Outcome.KEPT if found.logs_in else Outcome.CHANGED
        yield Step(Kind.PASSWORD, outcome, f"of the user {wish.user}", found.user_id)
    yield _there(Kind.ROLE, wish.role, found.role_id)
    words = f"{wish.role} to {wish.user} on {wish.project}"
    yield Step(Kind.GRANT, Outcome.KEPT if found.granted else Outcome.MADE, words)


def _there(kind: Kind, what: str, ident: str | None) -> Step:
    return Step(kind, Outcome.KEPT if ident else Outcome.MADE, what, ident or "")


def _catalogue(wish: Wish, region: str, service: Service | None) -> Iterator[Step]:
    yield _there(Kind.SERVICE, f"{wish.service_name} of type {SERVICE_TYPE}", service.id if service else None)
    there = service.endpoints if service else ()
    for interface in INTERFACES:
        mine = [one for one in there if (one.interface, one.region) == (interface, region)]
        if len(mine) > 1:
            raise Conflict(
                f"The service {wish.service_name} has {len(mine)} {interface} endpoints in {region}.",
                hint=f"openstack endpoint delete all but one of: {', '.join(one.id for one in mine)}.",
            )
        yield _endpoint(interface, region, wish.urls[interface], mine[0] if mine else None)


def _endpoint(interface: str, region: str, url: str, there: Endpoint | None) -> Step:
    words = f"{interface} in {region}: {url}"
    if there is None:
        return Step(Kind.ENDPOINT, Outcome.MADE, words, interface=interface, url=url)
    if there.url == url and there.enabled:
        return Step(Kind.ENDPOINT, Outcome.KEPT, words, there.id, interface, url)
    was = there.url if there.url != url else "disabled"
    return Step(Kind.ENDPOINT, Outcome.CHANGED, f"{words} (was {was})", there.id, interface, url)
