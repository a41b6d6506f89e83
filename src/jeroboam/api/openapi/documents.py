"""The documents: which there are, where they are served, and how one is put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .. import ext, microversion, v1
from ..call import Call, Reply, Route
from ..error_bodies import Errors, Unauthorized, Unsupported
from . import refusals
from .operations import HEADERS, VERSION_PARAMETER, operation, path_of, success_headers

Document = dict[str, Any]

_ABOUT = {
    "v1": "The OpenStack Magnum API v1, as Jeroboam serves it. Whoever names no microversion gets 1.1.",
    "ext": "What Jeroboam tells beyond Magnum.",
}
_SCHEMES = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Auth-Token",
        "description": "A token of Keystone, where the installation's identity is keystone.",
    },
    "password": {
        "type": "http",
        "scheme": "basic",
        "description": "A user of this installation, where its identity is basic.",
    },
}


def documents() -> dict[str, Document]:
    """Both, by name: v1 and ext."""
    return {
        "v1": _document("Magnum", "v1", "/v1", v1.ROUTES, versioned=True),
        "ext": _document("Jeroboam", "ext", "/ext/v1", (*ext.ROUTES, *ROUTES), versioned=False),
    }


async def v1_document(call: Call) -> Reply:
    """The OpenAPI document of the Magnum API."""
    return Reply(documents()["v1"])


async def ext_document(call: Call) -> Reply:
    """The OpenAPI document of this API."""
    return Reply(documents()["ext"])


ROUTES = (
    Route("GET", "/openapi/v1.json", v1_document, reply=dict[str, Any]),
    Route("GET", "/openapi/ext.json", ext_document, reply=dict[str, Any]),
)


def _document(title: str, name: str, prefix: str, routes: Sequence[Route], *, versioned: bool) -> Document:
    replies, schemas = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route, reply in zip(routes, replies, strict=True):
        place = paths.setdefault(path_of(prefix, route), {})
        place[route.method.lower()] = operation(prefix, route, reply, versioned=versioned)
    components = {
        "schemas": schemas,
        "responses": refusals.responses({status for route in routes for status in refusals.statuses(route)}),
        "headers": {key: HEADERS[key] for key in success_headers(versioned=versioned)},
        "securitySchemes": _SCHEMES,
        **({"parameters": {"Version": VERSION_PARAMETER}} if versioned else {}),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": f"1.{microversion.LAST}" if versioned else "1",
            "description": _ABOUT[name],
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{scheme: []} for scheme in _SCHEMES],
        "paths": dict(sorted(paths.items())),
        "components": components,
    }


def _schemas(routes: Sequence[Route]) -> tuple[Sequence[Any], dict[str, Any]]:
    """For each route what it answers, and the shared parts of it; errors are among them."""
    kinds = [route.reply if route.reply is not None else type(None) for route in routes]
    found, shared = msgspec.json.schema_components(
        [*kinds, Errors, Unsupported, Unauthorized], ref_template="#/components/schemas/{name}"
    )
    return found[: len(kinds)], dict(sorted(shared.items()))
