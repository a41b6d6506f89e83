"""Logging in: from the body of POST /v3/auth/tokens to a token, and a token as the API shows it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from .answers import Json, Refused, unauthorized
from .realm import Place, Realm, Token


def authenticate(realm: Realm, body: Json) -> Token:
    """A new token. Raises Refused(400) for a body that is none, Refused(401) for wrong credentials or a scope without roles."""
    try:
        identity = body["auth"]["identity"]
        methods = list(identity["methods"])
        scope = body["auth"].get("scope")
        user, kept, credential = _who(realm, methods, identity)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused(400, "The body of a login is incomplete.") from None
    except Refused as refused:
        raise (unauthorized() if refused.answer.status == 404 else refused) from None
    if not user["enabled"]:
        raise unauthorized()
    place = _place(realm, scope, user, credential)
    roles: tuple[str, ...] = realm.roles(user["id"], place) if place else ()
    if credential is not None:
        allowed = {role["id"] for role in credential["roles"]}
        roles = tuple(role for role in roles if role in allowed)
    if place is not None and not roles:
        raise unauthorized()
    token = realm.issue(user["id"], place, roles, methods)
    token.credential_id = credential["id"] if credential else None
    if kept is not None:  # a token made of a token lives no longer than that
        token.expires_at = min(token.expires_at, kept.expires_at)
    return token


def _who(realm: Realm, methods: list[str], identity: Json) -> tuple[Json, Token | None, Json | None]:
    if methods == ["password"]:
        given = identity["password"]["user"]
        user = _named_user(realm, given)
        if not _same(user.get("password"), given["password"]):
            raise unauthorized()
        return user, None, None
    if methods == ["token"]:
        kept = realm.live(identity["token"]["id"])
        return realm.get("users", kept.user_id), kept, None
    if methods == ["application_credential"]:
        given = identity["application_credential"]
        credential = _credential(realm, given)
        if not _same(credential["secret"], given["secret"]) or _over(credential):
            raise unauthorized()
        return realm.get("users", credential["user_id"]), None, credential
    raise unauthorized()


def _named_user(realm: Realm, given: Json) -> Json:
    if "id" in given:
        return realm.get("users", given["id"])
    return realm.named("users", given["name"], _domain(realm, given["domain"]))


def _credential(realm: Realm, given: Json) -> Json:
    if "id" in given:
        return realm.get("application_credentials", given["id"])
    user = _named_user(realm, given["user"])
    for found in realm.tables["application_credentials"].values():
        if (found["user_id"], found["name"]) == (user["id"], given["name"]):
            return found
    raise unauthorized()


def _over(credential: Json) -> bool:
    ends = credential["expires_at"]
    return ends is not None and datetime.fromisoformat(ends.rstrip("Z")).replace(tzinfo=UTC) < datetime.now(UTC)


def _same(kept: Any, given: Any) -> bool:
    return secrets.compare_digest(str(kept).encode(), str(given).encode())


def _domain(realm: Realm, given: Json) -> str:
    found = realm.get("domains", given["id"]) if "id" in given else realm.named("domains", given["name"])
    ident: str = found["id"]
    return ident


def _place(realm: Realm, scope: Any, user: Json, credential: Json | None) -> Place | None:
    if credential is not None:
        return Place("project", credential["project_id"])
    if scope is None:
        project = user.get("default_project_id")
        place = Place("project", project) if project in realm.tables["projects"] else None
        return place if place and realm.roles(user["id"], place) else None
    if scope == "unscoped" or "unscoped" in scope:
        return None
    try:
        return _scoped(realm, scope)
    except Refused:
        raise unauthorized() from None
    except (KeyError, TypeError):
        raise Refused(400, "The scope of a login is incomplete.") from None


def _scoped(realm: Realm, scope: Json) -> Place:
    if "project" in scope:
        given = scope["project"]
        if "id" in given:
            project = realm.get("projects", given["id"])
        else:
            project = realm.named("projects", given["name"], _domain(realm, given["domain"]))
        if not project["enabled"]:
            raise unauthorized()
        return Place("project", project["id"])
    if "domain" in scope:
        return Place("domain", _domain(realm, scope["domain"]))
    if scope["system"].get("all"):
        return Place("system", "all")
    raise unauthorized()


def shown(realm: Realm, token: Token, *, catalog: bool) -> Json:
    """The body of a token's answers."""
    user = realm.get("users", token.user_id)
    body: Json = {
        "methods": list(token.methods),
        "user": {
            "id": user["id"],
            "name": user["name"],
            "domain": _short(realm, "domains", user["domain_id"]),
            "password_expires_at": None,
        },
        "audit_ids": [token.id[-22:]],
        "issued_at": _time(token.issued_at),
        "expires_at": _time(token.expires_at),
    }
    if token.place is not None:
        body |= _place_shown(realm, token.place)
        body["roles"] = [_short(realm, "roles", role) for role in token.roles]
        if catalog:
            body["catalog"] = shown_catalog(realm)
    if token.credential_id is not None:
        credential = realm.get("application_credentials", token.credential_id)
        body["application_credential"] = {
            "id": credential["id"],
            "name": credential["name"],
            "restricted": not credential["unrestricted"],
        }
    return {"token": body}


def _place_shown(realm: Realm, place: Place) -> Json:
    if place.kind == "system":
        return {"system": {"all": True}}
    if place.kind == "domain":
        return {"domain": _short(realm, "domains", place.ident)}
    project = realm.get("projects", place.ident)
    domain = _short(realm, "domains", project["domain_id"])
    return {"project": {"id": project["id"], "name": project["name"], "domain": domain}, "is_domain": False}


def shown_catalog(realm: Realm) -> list[Json]:
    """Services with their endpoints, as tokens carry them."""
    return [
        {
            **{key: service.get(key) for key in ("id", "name", "type")},
            "endpoints": [
                {
                    **{key: endpoint[key] for key in ("id", "interface", "region_id", "url")},
                    "region": endpoint["region_id"],
                }
                for endpoint in realm.tables["endpoints"].values()
                if endpoint["service_id"] == service["id"]
            ],
        }
        for service in realm.tables["services"].values()
        if service.get("enabled", True)
    ]


def _short(realm: Realm, table: str, ident: str) -> Json:
    return {"id": ident, "name": realm.get(table, ident)["name"]}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
