"""/healthz, /readyz and /metrics: for those who watch the service. They need no caller and tell of no tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from ..domain.errors import RetryLater
from ..service import Services
from .call import METHODS
from .errors import MethodNotAllowed

Metrics = Callable[[], Awaitable[bytes]]
_METRICS_TYPE = "text/plain; version=0.0.4"  # the charset is added on the way
_SOON_S = 0.5  # probes wait for a second unless told otherwise. Source: Kubernetes API v1.34, Probe.timeoutSeconds
AnyRequest = Request[Any, Any, Any]


def handlers(services: Services, metrics: Metrics | None) -> list[HTTPRouteHandler]:
    """Without `metrics` there is no /metrics."""

    async def healthz(request: AnyRequest) -> Response[bytes]:
        """The process answers; to end it helps nobody while the database is away, so the status stays 200, and comes soon."""
        try:
            async with asyncio.timeout(_SOON_S):
                checks, _ = await _checks(services)
        except TimeoutError:
            checks = {"process": "ok", "database": f"The database does not answer within {_SOON_S:g} s."}
        return _answer(request, checks, 200)

    async def readyz(request: AnyRequest) -> Response[bytes]:
        """200 while requests can be served, 503 while the database does not answer."""
        checks, after_s = await _checks(services)
        return _answer(request, checks, 200 if after_s is None else 503, after_s)

    async def page(request: AnyRequest) -> Response[bytes]:
        _only_read(request)
        if metrics is None:
            raise RuntimeError("there are no metrics to serve")
        return Response(await metrics(), media_type=_METRICS_TYPE)

    places = {"/healthz": healthz, "/readyz": readyz, **({"/metrics": page} if metrics else {})}
    return [HTTPRouteHandler(path, http_method=METHODS, status_code=200)(fn) for path, fn in places.items()]


async def _checks(services: Services) -> tuple[dict[str, str], float | None]:
    """What is well and what is not, in words; when to ask again where the database is away."""
    try:
        await services.store.ping()
        conductors = await services.store.list_conductors()
    except RetryLater as error:
        return {"process": "ok", "database": error.message}, error.after_s
    limit = services.settings.service_down_time_s
    now = services.clock.now()
    alive = any((now - one.last_seen_at).total_seconds() <= limit for one in conductors)
    told = "ok" if alive else f"none has given a sign of life for {limit} s; what is asked for waits"
    return {"process": "ok", "database": "ok", "conductor": told}, None


def _answer(request: AnyRequest, checks: dict[str, str], status: int, after_s: float | None = None) -> Response[bytes]:
    _only_read(request)
    headers = {} if after_s is None else {"Retry-After": str(max(1, round(after_s)))}
    body = b"" if request.method == "HEAD" else msgspec.json.encode({"checks": checks})
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def _only_read(request: AnyRequest) -> None:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("GET, HEAD")
