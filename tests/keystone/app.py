"""The stand-in's ASGI application: version documents, tokens, and the objects of the Identity API v3."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from . import assignments, objects, tokens
from .answers import Answer, Json, Refused, unauthorized
from .realm import Realm, Token

Send = Callable[[Json], Awaitable[None]]
Receive = Callable[[], Awaitable[Json]]
_SINCE = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass
class Mood:
    """How the stand-in behaves as a server. `status` other than None answers everything with it; `pause_s` comes before any answer."""

    status: int | None = None
    pause_s: float = 0.0
    validations: int = 0
    calls: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ask:
    """One request: who asks, and what."""

    realm: Realm
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json
    base: str

    def asker(self) -> Token:
        """Raises Refused(401) without a token that is alive."""
        try:
            return self.realm.live(self.headers.get("x-auth-token", ""))
        except Refused:
            raise unauthorized() from None

    def roles(self) -> set[str]:
        return {self.realm.get("roles", role)["name"] for role in self.asker().roles}

    def need(self, *roles: str) -> None:
        """Raises Refused(403) when the asker has none of these roles."""
        if not self.roles() & set(roles):
            raise Refused(403, "You are not authorized to perform the requested action.")


class App:
    """An ASGI application over a realm."""

    def __init__(self, realm: Realm, mood: Mood) -> None:
        self.realm = realm
        self.mood = mood

    async def __call__(self, scope: Json, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        ask = await self._ask(scope, receive)
        self.mood.calls.append(f"{ask.method} {ask.path}")
        if self.mood.pause_s:
            await asyncio.sleep(self.mood.pause_s)
        await _reply(self._answer(ask), send, empty=ask.method == "HEAD")

    async def _ask(self, scope: Json, receive: Receive) -> Ask:
        raw, more = b"", True
        while more:
            part = await receive()
            raw, more = raw + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = None
        path = re.sub("/{2,}", "/", scope["path"]).rstrip("/") or "/"
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        base = f"http://{headers.get('host', '127.0.0.1')}"
        return Ask(self.realm, scope["method"], path, query, headers, body if isinstance(body, dict) else {}, base)

    def _answer(self, ask: Ask) -> Answer:
        if ask.path == "/stand-in":
            return self._controlled(ask)
        if self.mood.status is not None:
            return Refused(self.mood.status, "The stand-in was told to be away.").answer
        try:
            return self._served(ask)
        except Refused as refused:
            return refused.answer

    def _served(self, ask: Ask) -> Answer:
        if ask.path == "/":
            return Answer(300, {"versions": {"values": [_version(ask.base)]}})
        if ask.path == "/v3":
            return Answer(200, {"version": _version(ask.base)})
        if ask.path == "/v3/auth/tokens":
            return self._tokens(ask)
        if ask.path.startswith("/v3/auth/"):
            return _own(ask, ask.path.removeprefix("/v3/auth/"))
        return assignments.answer(ask) or objects.answer(ask)

    def _tokens(self, ask: Ask) -> Answer:
        catalog = "nocatalog" not in ask.query
        if ask.method == "POST":
            token = tokens.authenticate(self.realm, ask.body)
            body = tokens.shown(self.realm, token, catalog=catalog)
            return Answer(201, body, {"X-Subject-Token": token.id, "Vary": "X-Auth-Token"})
        subject = ask.headers.get("x-subject-token", "")
        asker = ask.asker()
        if asker.id != subject:
            ask.need("admin", "service")
        if ask.method == "DELETE":
            self.realm.live(subject)
            self.realm.revoke(subject)
            return Answer(204)
        if ask.method not in ("GET", "HEAD"):
            raise Refused(405, "The method is not allowed for this path.")
        self.mood.validations += 1
        token = self.realm.live(subject)
        return Answer(200, tokens.shown(self.realm, token, catalog=catalog), {"X-Subject-Token": subject})

    def _controlled(self, ask: Ask) -> Answer:
        """The switches, for those who hold the stand-in by a shell: PUT /stand-in {"status": 503, "pause_s": 2}."""
        if ask.method == "PUT":
            self.mood.status = ask.body.get("status")
            self.mood.pause_s = float(ask.body.get("pause_s", 0))
        mood = self.mood
        return Answer(200, {"status": mood.status, "pause_s": mood.pause_s, "validations": mood.validations})


def _version(base: str) -> Json:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": _SINCE.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "links": [{"rel": "self", "href": f"{base}/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


def _own(ask: Ask, what: str) -> Answer:
    """GET /v3/auth/projects, domains, system, catalog: where the asker may go."""
    asker = ask.asker()
    links = {"self": f"{ask.base}{ask.path}", "previous": None, "next": None}
    if what in ("projects", "domains"):
        found = ask.realm.places(asker.user_id, what.removesuffix("s"))
        return Answer(200, {what: [ask.realm.get(what, ident) for ident in found], "links": links})
    if what == "system":
        return Answer(200, {"system": [{"all": True}] if ask.realm.places(asker.user_id, "system") else []})
    if what == "catalog":
        return Answer(200, {"catalog": tokens.shown_catalog(ask.realm), "links": links})
    raise Refused(404, "The resource could not be found.")


async def _reply(answer: Answer, send: Send, *, empty: bool) -> None:
    body = answer.encoded()
    headers: list[Any] = [(b"content-length", str(len(body)).encode())]
    headers += [(b"content-type", b"application/json")] if body else []
    headers += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if empty else body})
