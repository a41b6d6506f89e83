"""The ASGI application: routes of all parts, one error handler, the front before it."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from litestar import Litestar, Request, Response
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from litestar.types import LifeSpanScope, Scope

from ..contracts import Identity
from ..service import Services
from . import ext, microversion, openapi, root, v1, wellness
from .call import METHODS, Route, prepare
from .errors import MethodNotAllowed, answer
from .front import Front, reply, with_request_id
from .settings import ApiSettings
from .streams import Streams
from .wellness import Metrics

AnyRequest = Request[Any, Any, Any]


class Application(Litestar):
    """Litestar behind the front."""

    front: Front

    async def __call__(self, scope: Scope | LifeSpanScope, receive: Any, send: Any) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._admit_and_serve(cast("Any", scope), receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _admit_and_serve(self, scope: Any, receive: Any, send: Any) -> None:
        early = await self.front.admit(scope)
        if scope["path"] != "/healthcheck":
            send = with_request_id(send, scope["state"]["request_id"])
        if early is None:
            await super().__call__(scope, receive, send)
        else:
            await reply(early, send)


def create_app(
    *, services: Services, identity: Identity, settings: ApiSettings | None = None, metrics: Metrics | None = None
) -> Litestar:
    """An ASGI application. It starts and stops nothing: store, providers and conductor are the caller's."""
    chosen = settings or ApiSettings()
    app = Application(
        route_handlers=[
            *root.handlers(services, chosen),
            *wellness.handlers(services, metrics),
            *_handlers(v1.ROUTES, services, chosen, prefix="/v1", versioned=True, closed=v1.CLOSED),
            *_handlers((*ext.ROUTES, *openapi.ROUTES), services, chosen, prefix="/ext/v1", versioned=False),
        ],
        exception_handlers={Exception: _on_error},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=chosen.max_body_bytes,
    )
    app.front = Front(identity)
    app.state.streams = Streams(chosen.max_streams)
    return app


def _handlers(
    routes: Iterable[Route],
    services: Services,
    settings: ApiSettings,
    *,
    prefix: str,
    versioned: bool,
    closed: Iterable[str] = (),
) -> list[HTTPRouteHandler]:
    """One handler for each path, whatever its methods: Litestar takes in handlers slowly. `closed` paths take none."""
    by_path: dict[str, dict[str, Route]] = {prefix + path: {} for path in closed}
    for route in routes:
        by_path.setdefault(prefix + route.path, {})[route.method] = route
    return [_handler(path, methods, services, settings, versioned=versioned) for path, methods in by_path.items()]


def _handler(
    path: str, methods: Mapping[str, Route], services: Services, settings: ApiSettings, *, versioned: bool
) -> HTTPRouteHandler:
    listed = [name for name, route in methods.items() if route.listed]
    allow = ", ".join(listed)

    async def handle(request: AnyRequest) -> Response[Any]:
        route = methods.get(request.method)
        if route is None:
            raise MethodNotAllowed(allow)
        call = prepare(request, route, services, settings, versioned=versioned)
        done = await route.endpoint(call)
        headers = dict(done.headers)
        if versioned:
            headers.update(microversion.headers(str(call.version)))
        if done.stream is not None:
            return Stream(done.stream, status_code=route.status or 200, headers=headers, media_type=route.media_type)
        return Response(done.encoded(), status_code=route.status or 200, headers=headers, media_type="application/json")

    return HTTPRouteHandler(path, http_method=METHODS, status_code=200)(handle)


def _on_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    state = request.scope["state"]
    made = answer(error, state.get("request_id", ""))
    headers = dict(made.headers)
    asked = getattr(error, "asked", None) or state.get("microversion")
    if asked is not None:
        headers.update(microversion.headers(asked))
    return Response(made.body, status_code=made.status, headers=headers, media_type="application/json")
