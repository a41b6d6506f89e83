"""What the stand-in keeps: domains, projects, users, roles, who has which role where, the catalogue, and the tokens given out."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .answers import Json, Refused, not_found

SINGULAR: Mapping[str, str] = {
    "domains": "domain",
    "projects": "project",
    "users": "user",
    "groups": "group",
    "roles": "role",
    "services": "service",
    "endpoints": "endpoint",
    "regions": "region",
    "application_credentials": "application_credential",
}
_UNIQUE: Mapping[str, tuple[str, ...]] = {
    "domains": ("name",),
    "projects": ("name", "domain_id"),
    "users": ("name", "domain_id"),
    "groups": ("name", "domain_id"),
    "roles": ("name",),
    "application_credentials": ("name", "user_id"),
}
_IN_DOMAIN = ("projects", "users", "groups")
IMPLIED = ("admin", "manager", "member", "reader")  # each brings those after it


@dataclass(frozen=True, order=True)
class Place:
    """Where a role counts: ("project", id), ("domain", id) or ("system", "all")."""

    kind: str
    ident: str


@dataclass
class Token:
    """A token that was given out. `place` None: unscoped."""

    id: str
    user_id: str
    place: Place | None
    roles: tuple[str, ...]  # role ids
    methods: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    credential_id: str | None = None

    @property
    def alive(self) -> bool:
        return datetime.now(UTC) < self.expires_at


@dataclass
class Realm:
    """The state of one stand-in. Domain `default`, project `admin`, user `admin` and the usual roles are there from the start."""

    admin_password: str = "secret"
    token_life: timedelta = timedelta(hours=1)
    tables: dict[str, dict[str, Json]] = field(default_factory=lambda: {name: {} for name in SINGULAR})
    assignments: set[tuple[str, Place, str]] = field(default_factory=set)  # user id, place, role id
    tokens: dict[str, Token] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.add("domains", id="default", name="Default", enabled=True)
        self.add("regions", id="RegionOne", description="", parent_region_id=None)
        for role in (*IMPLIED, "service"):
            self.add("roles", name=role, domain_id=None)
        self.add("projects", name="service")
        self.add_user("admin", self.admin_password, "admin", "admin")
        self.assign(self.named("users", "admin")["id"], Place("system", "all"), "admin")

    # objects

    def add(self, table: str, **given: Any) -> Json:
        """A new object. Raises Refused(409) when its name is taken."""
        made: Json = {"id": uuid.uuid4().hex, **given}
        if table in _IN_DOMAIN:
            made = {"enabled": True, "domain_id": "default", **made}
        if table == "projects":
            made = {"is_domain": False, "parent_id": made["domain_id"], "description": "", **made}
        self._refuse_double(table, made)
        self.tables[table][made["id"]] = made
        return made

    def change(self, table: str, ident: str, given: Json) -> Json:
        found = self.get(table, ident)
        self._refuse_double(table, {**found, **given})
        found.update(given)
        return found

    def get(self, table: str, ident: str) -> Json:
        """By id. Raises Refused(404)."""
        if ident not in self.tables[table]:
            raise not_found(SINGULAR[table], ident)
        return self.tables[table][ident]

    def named(self, table: str, name: str, domain: str | None = "default") -> Json:
        """By name. Raises Refused(404)."""
        for found in self.tables[table].values():
            if found.get("name") == name and (table not in _IN_DOMAIN or found["domain_id"] == domain):
                return found
        raise not_found(SINGULAR[table], name)

    def remove(self, table: str, ident: str) -> None:
        """The object, its role assignments, and the tokens that stand on it."""
        found = self.get(table, ident)
        if table == "domains" and found["enabled"]:
            raise Refused(403, "Cannot delete a domain that is enabled, please disable it first.")
        del self.tables[table][ident]
        self.assignments = {one for one in self.assignments if ident not in (one[0], one[1].ident, one[2])}
        for token in list(self.tokens.values()):
            if ident in (token.user_id, token.place and token.place.ident, token.credential_id):
                self.revoke(token.id)

    def add_user(self, name: str, password: str, project: str, *roles: str) -> Json:
        """A person with these roles in a project, which is made if it is not there."""
        try:
            where = self.named("projects", project)
        except Refused:
            where = self.add("projects", name=project)
        user = self.add("users", name=name, password=password, default_project_id=where["id"])
        for role in roles:
            self.assign(user["id"], Place("project", where["id"]), role)
        return user

    def add_credential(self, user_id: str, project_id: str, name: str, **more: Any) -> Json:
        """An application credential; its `secret` is in the answer."""
        given: Json = {"secret": secrets.token_urlsafe(16), "roles": None, "unrestricted": False, "expires_at": None}
        given |= {key: value for key, value in more.items() if value is not None}
        place = Place("project", project_id)
        roles = [self._role(one)["id"] for one in given["roles"]] if given["roles"] else self.roles(user_id, place)
        given["roles"] = [{"id": one, "name": self.get("roles", one)["name"]} for one in roles]
        return self.add("application_credentials", name=name, user_id=user_id, project_id=project_id, **given)

    def _role(self, given: Json) -> Json:
        return self.get("roles", given["id"]) if "id" in given else self.named("roles", given["name"])

    def _refuse_double(self, table: str, made: Json) -> None:
        keys = _UNIQUE.get(table, ())
        for found in self.tables[table].values():
            if keys and found["id"] != made["id"] and all(found.get(key) == made.get(key) for key in keys):
                raise Refused(409, f"Conflict occurred attempting to store {SINGULAR[table]} - it exists already.")

    # roles

    def assign(self, user_id: str, place: Place, role: str) -> None:
        """Give a role, by name."""
        self.assignments.add((user_id, place, self.named("roles", role)["id"]))

    def roles(self, user_id: str, place: Place) -> tuple[str, ...]:
        """Ids of the roles that count there, with what they imply."""
        names = {
            self.get("roles", role)["name"] for who, where, role in self.assignments if (who, where) == (user_id, place)
        }
        return tuple(self.named("roles", name)["id"] for name in _with_implied(names))

    def places(self, user_id: str, kind: str) -> list[str]:
        return sorted({where.ident for who, where, _ in self.assignments if who == user_id and where.kind == kind})

    # tokens

    def issue(self, user_id: str, place: Place | None, roles: Iterable[str], methods: Iterable[str]) -> Token:
        now = datetime.now(UTC)
        ident = f"gAAAAAstandin{secrets.token_urlsafe(48)}"
        token = Token(ident, user_id, place, tuple(roles), tuple(methods), now, now + self.token_life)
        self.tokens[ident] = token
        return token

    def live(self, ident: str) -> Token:
        """Raises Refused(404) when it is unknown, over or revoked."""
        token = self.tokens.get(ident)
        if token is None or not token.alive:
            raise Refused(404, "Could not find token.")
        return token

    def revoke(self, ident: str) -> None:
        self.tokens.pop(ident, None)


def _with_implied(names: set[str]) -> Iterator[str]:
    ranks = [IMPLIED.index(name) for name in names if name in IMPLIED]
    yield from (IMPLIED[min(ranks) :] if ranks else ())
    yield from sorted(names - set(IMPLIED))
