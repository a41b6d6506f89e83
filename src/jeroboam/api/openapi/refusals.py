"""Answers that are no success: which of them a route can give, and how each looks."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from ..call import Route

_ALWAYS = frozenset({400, 401, 406, 500, 503})
_OF_A_BODY = frozenset({408, 413, 415})
_NAMED = ("{ident:", "{cluster:")  # placeholders that take names, and names may be shared
_WHY = {
    400: "Something in the request is wrong; `detail` names it, its value and what would be right.",
    401: "Nobody knows the caller.",
    403: "The caller may not do this, or the project has no room for more.",
    404: "There is nothing of this name that the caller may see.",
    406: "The endpoint begins at a later microversion, there is no such version, or the caller takes no JSON.",
    408: "The body did not arrive in time.",
    409: "It cannot be while things are as they are, or several things have this name.",
    413: "The body is too large.",
    415: "The body is of a kind that nobody reads here.",
    500: "A fault of the service. The operator finds it in the log under the incident that `detail` names.",
    503: "Something that the service needs is away for the moment. `Retry-After` says when to ask again.",
}
_ERRORS = {"$ref": "#/components/schemas/Errors"}
_JSON: dict[str, Any] = {"application/json": {"schema": _ERRORS}}
_CONTENT: dict[int, dict[str, Any]] = {
    401: {"application/json": {"schema": {"$ref": "#/components/schemas/Unauthorized"}}},
    406: {"application/json": {"schema": {"anyOf": [_ERRORS, {"$ref": "#/components/schemas/Unsupported"}]}}},
    503: {**_JSON, "text/plain": {"schema": {"type": "string"}}},
}


def statuses(route: Route) -> frozenset[int]:
    """All that it can answer but its success."""
    found = set(_ALWAYS)
    if route.rule is not None:
        found.add(403)
    if "{" in route.path or "marker" in route.query:
        found.add(404)
    if any(one in route.path for one in _NAMED):
        found.add(409)
    if route.body is not None:
        found |= _OF_A_BODY
    return frozenset(found.union(route.refuses))


def name(status: int) -> str:
    """Of the shared answer: NotFound."""
    return "".join(word.capitalize() for word in HTTPStatus(status).name.split("_"))


def responses(wanted: Collection[int]) -> dict[str, Any]:
    """The shared answers by name."""
    request_id = {"X-OpenStack-Request-ID": {"$ref": "#/components/headers/X-OpenStack-Request-ID"}}
    return {
        name(status): {"description": _WHY[status], "headers": request_id, "content": _CONTENT.get(status, _JSON)}
        for status in sorted(wanted)
    }
