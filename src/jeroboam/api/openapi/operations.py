"""A route as an OpenAPI operation: parameters, what it reads, what it answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from .. import microversion
from ..call import Body, Endpoint, Parameter, Route
from . import refusals

_PLACEHOLDER = re.compile(r"\{(\w+):str\}")
_PLACES = {
    "ident": "A uuid or a name.",
    "cluster": "A cluster's uuid or name.",
    "project": "A project's id.",
    "resource": "What is limited: Cluster.",
    "uuid": "A uuid.",
    "name": "A name.",
}
_TEXT = {"type": "string"}
HEADERS: dict[str, Any] = {
    "X-OpenStack-Request-ID": {
        "description": "Under this the log knows the request.",
        "required": True,
        "schema": _TEXT,
    },
    "OpenStack-API-Version": {"description": "The microversion of the answer.", "required": True, "schema": _TEXT},
    "OpenStack-API-Minimum-Version": {"description": "The oldest there is.", "required": True, "schema": _TEXT},
    "OpenStack-API-Maximum-Version": {"description": "The newest there is.", "required": True, "schema": _TEXT},
}
VERSION_PARAMETER = {
    "name": "OpenStack-API-Version",
    "in": "header",
    "description": f"The microversion to speak, 1.{microversion.FIRST} to 1.{microversion.LAST} or latest.",
    "schema": {"type": "string", "pattern": f"^({'|'.join(microversion.SERVICES)}) (1\\.[0-9]+|latest)$"},
}


def path_of(prefix: str, route: Route) -> str:
    """Its path, as OpenAPI writes it."""
    return prefix + _PLACEHOLDER.sub(r"{\1}", route.path)


def operation(prefix: str, route: Route, reply: Any, *, versioned: bool) -> dict[str, Any]:
    """`reply` is the schema of a success that has a body."""
    path = path_of(prefix, route)
    since = {"x-openstack-since": f"1.{route.since}"} if versioned else {}
    return {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{path.removeprefix(prefix)}").strip("_"),
        "summary": summary(route.endpoint),
        "tags": [path.removeprefix(f"{prefix}/").partition("/")[0]],
        **({"x-openstack-policy": route.rule} if route.rule else {}),
        **since,
        "parameters": [*_path(route), *_query(route), *_version(versioned=versioned)],
        **({"requestBody": _body(route.body)} if route.body else {}),
        "responses": _responses(route, reply, versioned=versioned),
    }


def summary(endpoint: Endpoint) -> str:
    """The first line of its docstring."""
    function = endpoint.func if isinstance(endpoint, partial) else endpoint
    return (function.__doc__ or "").strip().partition("\n")[0]


def success_headers(*, versioned: bool) -> Sequence[str]:
    """Names of the headers that every success carries."""
    return [*HEADERS] if versioned else ["X-OpenStack-Request-ID"]


def _path(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PLACES[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in _PLACEHOLDER.findall(route.path)
    ]


def _query(route: Route) -> list[dict[str, Any]]:
    return [_parameter(name, one) for name, one in route.query.items()]


def _parameter(name: str, parameter: Parameter) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": name, "in": "query", "schema": parameter.kind.schema()}
    if parameter.since > microversion.FIRST:
        shown["x-openstack-since"] = f"1.{parameter.since}"
    return shown


def _version(*, versioned: bool) -> list[dict[str, Any]]:
    return [{"$ref": "#/components/parameters/Version"}] if versioned else []


def _body(body: Body) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": body.schema()} for kind in body.media_types}}


def _responses(route: Route, reply: Any, *, versioned: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if route.status is not None:
        success: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
        success["headers"] = {
            name: {"$ref": f"#/components/headers/{name}"} for name in success_headers(versioned=versioned)
        }
        if route.reply is not None:
            success["content"] = {route.media_type: {"schema": reply}}
        shown[str(route.status)] = success
    for status in sorted(refusals.statuses(route)):
        shown[str(status)] = {"$ref": f"#/components/responses/{refusals.name(status)}"}
    return shown
