"""Who has which role where: PUT and DELETE of single ones, and the list of all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .answers import Answer, Json, Refused, not_found
from .realm import IMPLIED, Place

if TYPE_CHECKING:
    from .app import Ask

_ROLES = re.compile(
    r"/v3/(?:(?P<kind>project|domain)s/(?P<ident>[^/]+)|(?P<system>system))/users/(?P<user>[^/]+)/roles(?:/(?P<role>[^/]+))?"
)
_IMPLIES = re.compile(r"/v3/roles/(?P<role>[^/]+)/implies")


def answer(ask: Ask) -> Answer | None:
    """None when the path is about something else. Raises Refused."""
    found = _ROLES.fullmatch(ask.path)
    if found:
        ask.need("admin")
        place = Place("system", "all") if found["system"] else Place(found["kind"], found["ident"])
        return _of_place(ask, found["user"], place, found["role"])
    if ask.path in ("/v3/role_assignments", "/v3/role_inferences"):
        ask.need("admin")
        return _assignments(ask) if ask.path.endswith("assignments") else Answer(200, {"role_inferences": []})
    found = _IMPLIES.fullmatch(ask.path)
    return _implies(ask, found["role"]) if found else None


def _of_place(ask: Ask, user: str, place: Place, role: str | None) -> Answer:
    realm = ask.realm
    realm.get("users", user)
    if place.kind != "system":
        realm.get(f"{place.kind}s", place.ident)
    if role is None:
        direct = [one for who, where, one in realm.assignments if (who, where) == (user, place)]
        return Answer(200, {"roles": [realm.get("roles", one) for one in sorted(direct)]})
    realm.get("roles", role)
    if ask.method == "PUT":
        realm.assignments.add((user, place, role))
        return Answer(204)
    if (user, place, role) not in realm.assignments:
        raise not_found("role assignment", role)
    if ask.method == "DELETE":
        realm.assignments.remove((user, place, role))
    elif ask.method not in ("GET", "HEAD"):
        raise Refused(405, "The method is not allowed for this path.")
    return Answer(204)


def _assignments(ask: Ask) -> Answer:
    wanted = ask.query
    rows = []
    for who, where, role in sorted(ask.realm.assignments):
        fits = wanted.get("user.id") in (None, who) and wanted.get("role.id") in (None, role)
        asked = wanted.get(f"scope.{where.kind}.id") or wanted.get("scope.system")
        other = {"scope.project.id", "scope.domain.id", "scope.system"} & set(wanted)
        if fits and (not other or asked in (where.ident, "all")):
            rows.append(_row(ask, who, where, role))
    return Answer(200, {"role_assignments": rows, "links": {"self": f"{ask.base}{ask.path}", "next": None}})


def _row(ask: Ask, who: str, where: Place, role: str) -> Json:
    def named(table: str, ident: str) -> Json:
        row: Json = {"id": ident}
        if "include_names" in ask.query:
            found = ask.realm.get(table, ident)
            row["name"] = found["name"]
            if table in ("users", "projects"):
                row["domain"] = {"id": found["domain_id"], "name": ask.realm.get("domains", found["domain_id"])["name"]}
        return row

    scope: Json = {"system": {"all": True}}
    if where.kind != "system":
        scope = {where.kind: named(f"{where.kind}s", where.ident)}
    return {"user": named("users", who), "role": named("roles", role), "scope": scope, "links": {}}


def _implies(ask: Ask, role: str) -> Answer:
    name = ask.realm.get("roles", role)["name"]
    after = IMPLIED[IMPLIED.index(name) + 1 :] if name in IMPLIED else ()
    implied = [{"id": ask.realm.named("roles", one)["id"], "name": one} for one in after]
    return Answer(200, {"role_inference": {"prior_role": {"id": role, "name": name}, "implies": implied}})
