"""Documents that need no caller: the versions, and whether the service is well."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from ..domain.errors import RetryLater
from ..service import Services
from . import microversion
from .call import METHODS, host_of
from .errors import MethodNotAllowed
from .settings import ApiSettings

AnyRequest = Request[Any, Any, Any]
_RESOURCES = (
    "clustertemplates",
    "clusters",
    "quotas",
    "certificates",
    "mservices",
    "stats",
    "federations",
    "nodegroups",
    "credentials",
)
_DESCRIPTION = "Magnum is an OpenStack project which aims to provide container cluster management."
_DOCS = "http://docs.openstack.org/developer/magnum/dev/api-spec-v1.html"


def handlers(services: Services, settings: ApiSettings) -> list[HTTPRouteHandler]:
    """GET /, /v1 and /healthcheck."""

    async def versions(request: AnyRequest) -> Response[bytes]:
        _only_get(request)
        return _json(_versions(host_of(request, settings)))

    async def first(request: AnyRequest) -> Response[bytes]:
        _only_get(request)
        version = microversion.negotiate(request.headers.get("openstack-api-version"))
        return _json(_v1(host_of(request, settings)), microversion.headers(str(version)))

    async def healthcheck(request: AnyRequest) -> Response[bytes]:
        return await _healthcheck(request, services)

    places = {"/": versions, "/v1": first, "/healthcheck": healthcheck}
    return [HTTPRouteHandler(path, http_method=METHODS, status_code=200)(fn) for path, fn in places.items()]


def _only_get(request: AnyRequest) -> None:
    if request.method != "GET":
        raise MethodNotAllowed("GET")


def _json(data: object, headers: dict[str, str] | None = None, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(data), status_code=status, headers=headers, media_type="application/json")


def _versions(host: str) -> dict[str, object]:
    return {
        "name": "OpenStack Magnum API",
        "description": _DESCRIPTION,
        "versions": [
            {
                "id": "v1",
                "status": "CURRENT",
                "min_version": f"1.{microversion.FIRST}",
                "max_version": f"1.{microversion.LAST}",
                "links": [{"rel": "self", "href": f"{host}/v1/"}],
            }
        ],
    }


def _v1(host: str) -> dict[str, object]:
    media = {"base": "application/json", "type": "application/vnd.openstack.magnum.v1+json"}
    document: dict[str, object] = {
        "id": "v1",
        "media_types": [media],
        "links": [
            {"rel": "self", "href": f"{host}/v1/"},
            {"rel": "describedby", "type": "text/html", "href": _DOCS},
        ],
    }
    for name in _RESOURCES:
        path = "clusters/{cluster_id}/nodegroups" if name == "nodegroups" else f"{name}/"
        document[name] = [
            {"rel": "self", "href": f"{host}/v1/{path}"},
            {"rel": "bookmark", "href": f"{host}/{path}"},
        ]
    return document


async def _healthcheck(request: AnyRequest, services: Services) -> Response[bytes]:
    """200 while the database answers, 503 while it does not, by whatever method a load balancer asks; 204 to HEAD.

    Source: oslo.middleware's healthcheck, which Magnum has in front of it.
    """
    reason, status, headers = "OK", 200, {}
    try:
        await services.store.ping()
    except RetryLater as error:
        reason, status, headers = error.message, 503, {"Retry-After": str(max(1, round(error.after_s)))}
    if request.method == "HEAD":
        return Response(b"", status_code=204 if status == 200 else status, headers=headers, media_type="text/plain")
    if "application/json" in request.headers.get("accept", ""):
        return _json({"detailed": False, "reasons": [reason]}, headers, status=status)
    return Response(reason.encode(), status_code=status, headers=headers, media_type="text/plain")
