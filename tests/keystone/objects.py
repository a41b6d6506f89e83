"""Create, list, show, change and delete of everything that has a collection under /v3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .answers import Answer, Json, Refused
from .realm import SINGULAR, Place

if TYPE_CHECKING:
    from .app import Ask

_HIDDEN = {"users": ("password",), "application_credentials": ("secret", "user_id")}
_PATH = re.compile(r"/v3/(?P<table>[a-z_]+)(?:/(?P<ident>[^/]+))?")
_CREDENTIALS = re.compile(r"/v3/users/(?P<user>[^/]+)/application_credentials(?:/(?P<ident>[^/]+))?")
_OF_USER = re.compile(r"/v3/users/(?P<user>[^/]+)/(?P<what>projects|groups|password)")


def answer(ask: Ask) -> Answer:
    """Raises Refused."""
    found = _CREDENTIALS.fullmatch(ask.path)
    if found:
        return _credentials(ask, found["user"], found["ident"])
    found = _OF_USER.fullmatch(ask.path)
    if found:
        return _of_user(ask, found["user"], found["what"])
    found = _PATH.fullmatch(ask.path)
    if not found or found["table"] not in SINGULAR or found["table"] == "application_credentials":
        raise Refused(404, "The resource could not be found.")
    return _collection(ask, found["table"]) if found["ident"] is None else _one(ask, found["table"], found["ident"])


def _collection(ask: Ask, table: str) -> Answer:
    if ask.method == "POST":
        ask.need("admin")
        given = _given(ask, table)
        if table == "users" and given.get("domain_id") is None:
            given["domain_id"] = "default"
        if table == "endpoints":
            given.setdefault("region_id", given.pop("region", "RegionOne"))
        if table in ("domains", "services", "endpoints"):
            given.setdefault("enabled", True)
        return Answer(201, {SINGULAR[table]: shown(ask, table, ask.realm.add(table, **given))})
    if ask.method not in ("GET", "HEAD"):
        raise Refused(405, "The method is not allowed for this path.")
    if table not in ("roles", "regions", "services", "endpoints"):
        _may_read(ask, table, None)
    return _list(ask, table, list(ask.realm.tables[table].values()))


def _one(ask: Ask, table: str, ident: str) -> Answer:
    if ask.method in ("GET", "HEAD"):
        _may_read(ask, table, ident)
        return Answer(200, {SINGULAR[table]: shown(ask, table, ask.realm.get(table, ident))})
    ask.need("admin")
    if ask.method == "PATCH":
        return Answer(200, {SINGULAR[table]: shown(ask, table, ask.realm.change(table, ident, _given(ask, table)))})
    if ask.method == "DELETE":
        ask.realm.remove(table, ident)
        return Answer(204)
    raise Refused(405, "The method is not allowed for this path.")


def _credentials(ask: Ask, user_id: str, ident: str | None) -> Answer:
    table, asker = "application_credentials", ask.asker()
    if asker.user_id != user_id:
        ask.need("admin")
    if ident is not None:
        found = ask.realm.get(table, ident)
        if ask.method == "DELETE":
            ask.realm.remove(table, ident)
            return Answer(204)
        return Answer(200, {SINGULAR[table]: shown(ask, table, found)})
    if ask.method != "POST":
        return _list(ask, table, [one for one in ask.realm.tables[table].values() if one["user_id"] == user_id])
    if asker.place is None or asker.place.kind != "project":
        raise Refused(400, "An application credential needs a token of a project.")
    given = _given(ask, table)
    wanted = {key: given[key] for key in ("secret", "roles", "unrestricted", "expires_at") if key in given}
    made = ask.realm.add_credential(user_id, asker.place.ident, given["name"], **wanted)
    return Answer(201, {SINGULAR[table]: {**shown(ask, table, made), "secret": made["secret"]}})


def _of_user(ask: Ask, user_id: str, what: str) -> Answer:
    user = ask.realm.get("users", user_id)
    if what == "password":
        given = ask.body.get("user", {})
        if user.get("password") != given.get("original_password"):
            raise Refused(401, "The original password is not right.")
        user["password"] = given["password"]
        return Answer(204)
    if ask.asker().user_id != user_id:
        ask.need("admin")
    found = [ask.realm.get("projects", one) for one in ask.realm.places(user_id, "project")]
    return _list(ask, what, found if what == "projects" else [])


def _may_read(ask: Ask, table: str, ident: str | None) -> None:
    asker = ask.asker()
    if ident in (asker.user_id, asker.place.ident if asker.place else None, "default"):
        return
    if table == "projects" and ident and ask.realm.roles(asker.user_id, Place("project", ident)):
        return
    ask.need("admin", *(("reader",) if asker.place == Place("system", "all") else ()))


def _given(ask: Ask, table: str) -> Json:
    given = ask.body.get(SINGULAR[table])
    if not isinstance(given, dict) or (ask.method == "POST" and "name" not in given and table not in _NAMELESS):
        raise Refused(400, f"The body must hold a {SINGULAR[table]} with a name.")
    return {key: value for key, value in given.items() if key != "id" or table == "regions"}


_NAMELESS = ("endpoints", "regions", "services")


def _list(ask: Ask, table: str, found: list[Json]) -> Answer:
    wanted = {
        name: value for name, value in ask.query.items() if name not in ("limit", "marker", "sort_key", "sort_dir")
    }
    kept = [shown(ask, table, one) for one in found if all(_fits(one, name, value) for name, value in wanted.items())]
    links = {"self": f"{ask.base}{ask.path}", "previous": None, "next": None}
    return Answer(200, {table: kept, "links": links})


def _fits(one: Json, name: str, wanted: str) -> bool:
    if name.endswith("__contains"):
        return wanted in str(one.get(name.removesuffix("__contains"), ""))
    value: Any = one.get(name)
    if isinstance(value, bool) or (name == "enabled" and value is None):
        return (value is not False) == (wanted.lower() not in ("false", "0"))
    return wanted == ("" if value is None else str(value)) or (name == "domain_id" and "domain_id" not in one)


def shown(ask: Ask, table: str, one: Json) -> Json:
    """An object as the API shows it: without its secrets, with its links."""
    body = {key: value for key, value in one.items() if key not in _HIDDEN.get(table, ())}
    if table == "users":
        body.setdefault("password_expires_at", None)
        body.setdefault("options", {})
    if table == "endpoints":
        body["region"] = body["region_id"]
    return body | {"links": {"self": f"{ask.base}/v3/{table}/{one['id']}"}}
