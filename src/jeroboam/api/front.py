"""What happens to every request before it is routed: an id, a clean path, a known caller. No route can be reached around it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from litestar.types import Message, Send

from ..contracts import Identity
from ..domain.errors import InvalidRequest
from .call import METHODS
from .errors import Answer, answer

_PUBLIC = frozenset({"/", "/v1", "/healthcheck", "/healthz", "/readyz", "/metrics"})
_ROOTS = ("/v1", "/ext", "/healthcheck", "/healthz", "/readyz", "/metrics")
_ONCE = frozenset({"authorization", "host", "content-type", "openstack-api-version"})
_ONCE_PREFIXES = ("x-user", "x-project", "x-roles", "x-identity", "x-auth")


class Front:
    """Works on a scope in place. `admit` returns the answer that ends the request early, or None."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def admit(self, scope: dict[str, Any]) -> Answer | None:
        """Give the request its id, its path and its caller."""
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = f"req-{uuid.uuid4()}"
        scope["path"] = path = clean(scope["path"])
        if scope["method"] not in METHODS:
            scope["method"] = "OPTIONS"  # a stranger to every route, too: refused with what they allow
        if path in _PUBLIC:
            return None
        try:
            client = scope.get("client")
            state["caller"] = await self._identity.authenticate(_headers(scope["headers"]), client[0] if client else "")
        except Exception as error:  # noqa: BLE001 - the API's last resort, for what happens before any route
            return answer(error, request_id)
        return None


def clean(path: str) -> str:
    """Doubled and trailing slashes go; a path without version is v1's."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return "/"
    if f"/{parts[0]}" not in _ROOTS:
        parts.insert(0, "v1")
    return "/" + "/".join(parts)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By name. Those that say who is calling must not come twice: a proxy that adds its own would leave the client's beside them."""
    found: dict[str, str] = {}
    for key, value in raw:
        name = key.decode("latin-1").lower()
        if name in found and (name in _ONCE or name.startswith(_ONCE_PREFIXES)):
            raise InvalidRequest(f"Header {name} is given twice.", field=name)
        found[name] = value.decode("latin-1")
    return found


def with_request_id(send: Send, request_id: str) -> Send:
    """Every answer carries the id."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-openstack-request-id", request_id.encode())]
        await send(message)

    return sending


async def reply(early: Answer, send: Send) -> None:
    """Send an answer without any route."""
    named = {"content-type": "application/json", **{key.lower(): value for key, value in early.headers.items()}}
    headers = [(key.encode(), value.encode("latin-1", "replace")) for key, value in named.items()]
    headers += [(b"content-length", str(len(early.body)).encode())]
    await send(_message("http.response.start", status=early.status, headers=headers))
    await send(_message("http.response.body", body=early.body, more_body=False))


def _message(kind: str, **fields: Any) -> Any:
    return {"type": kind, **fields}
