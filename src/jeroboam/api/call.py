"""One request on its way to an endpoint: who asks, in which version, with which parameters; and the answer on its way back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException
from litestar.types import Method

from ..contracts import Caller
from ..domain.errors import InvalidRequest
from ..service import Asker, Services
from . import body, microversion
from .errors import BadMicroversion, NotAcceptable, SlowBody
from .microversion import Version
from .settings import ApiSettings

METHODS: list[Method] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
"""Every handler takes all of them and refuses itself: Litestar would answer OPTIONS of its own, and 405 without saying what is allowed."""


_REFUSED = re.compile(r";\s*q\s*=\s*0(\.0*)?\s*(;|$)")


@dataclass(frozen=True)
class Reply:
    """JSON (None: no body) and headers of a success. Its status and its kind of content are the route's."""

    data: object = None
    headers: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    stream: AsyncIterator[bytes] | None = field(default=None, kw_only=True)  # in place of data, sent piece by piece

    def encoded(self) -> bytes:
        """The body as it goes out."""
        return b"" if self.data is None else msgspec.json.encode(self.data)


@dataclass(frozen=True)
class Call:
    """What an endpoint sees."""

    services: Services
    settings: ApiSettings
    caller: Caller
    request_id: str
    version: Version
    path: Mapping[str, str]
    query: Mapping[str, str]
    host: str
    request: Request[Any, Any, Any]

    @property
    def asker(self) -> Asker:
        """Who asks, for use cases that write."""
        return Asker(self.caller, self.request_id)

    async def json(self, argument: str, *, patch: bool = False) -> Any:
        """The decoded body. Raises InvalidRequest, UnknownMimetype, BodyTooLarge, SlowBody. `argument` is its name in errors."""
        try:
            async with asyncio.timeout(self.settings.body_timeout_s):
                raw = await self.request.body()
        except TimeoutError:
            raise SlowBody("The request body did not arrive in time.") from None
        except InternalServerException:  # the client hung up, and there is nobody left to read the answer
            raise SlowBody("The request body did not arrive.") from None
        headers = self.request.headers
        body.check_encoding(headers.get("content-encoding"))
        return body.decode(raw, headers.get("content-type"), argument, patch=patch)


Endpoint = Callable[[Call], Awaitable[Reply]]


class Described(Protocol):
    """What can say as JSON Schema what it takes."""

    def schema(self) -> dict[str, Any]:
        """JSON Schema 2020-12."""
        ...


class Body(Described, Protocol):
    """A request body."""

    @property
    def media_types(self) -> Collection[str]:
        """The kinds of content that are read."""
        ...


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query, and the minor version it begins at."""

    kind: Described
    since: int = microversion.FIRST


@dataclass(frozen=True)
class Route:
    """An endpoint's place, and all that its OpenAPI document says of it.

    `since` is the minor version it begins at; `query` are the parameters it takes, `body` is what it reads. A success has `status` and a
    body of the type `reply`; without status there is none. `rule` is the policy that it asks for first. `refuses` are the statuses of its
    own errors, beside those that follow from all this. `media_type` is what a success is. `listed` is
    whether 405 tells of it in Allow: Magnum's does not name actions, nor verbs that only say what is missing.
    """

    method: str
    path: str
    endpoint: Endpoint
    since: int = microversion.FIRST
    query: Mapping[str, Parameter] = field(default_factory=dict)
    body: Body | None = None
    status: int | None = 200
    reply: Any = None
    rule: str | None = None
    refuses: Collection[int] = ()
    listed: bool = True
    media_type: str = "application/json"


def prepare(
    request: Request[Any, Any, Any], route: Route, services: Services, settings: ApiSettings, *, versioned: bool
) -> Call:
    """Everything that is checked before an endpoint runs, in Magnum's order. Raises WireError and InvalidRequest."""
    state = request.scope["state"]
    _check_accept(request.headers.getall("accept", []), route.media_type)
    version = Version(microversion.LAST)
    if versioned:
        version = microversion.negotiate(request.headers.get("openstack-api-version"))
        if version.minor < route.since:
            raise BadMicroversion
        state["microversion"] = str(version)
    return Call(
        services=services,
        settings=settings,
        caller=state["caller"],
        request_id=state["request_id"],
        version=version,
        path=request.path_params,
        query=_query(request.scope["query_string"], route.query),
        host=host_of(request, settings),
        request=request,
    )


def host_of(request: Request[Any, Any, Any], settings: ApiSettings) -> str:
    """scheme://host:port for links."""
    if settings.public_endpoint is not None:
        return settings.public_endpoint.rstrip("/")
    return f"{request.scope['scheme']}://{request.headers.get('host', 'localhost')}"


def _check_accept(headers: Collection[str], media_type: str) -> None:
    """No header, or one that takes JSON, as errors are, or what a success is; `;q=0` refuses a kind. Raises NotAcceptable."""
    parts = [part.strip().lower() for header in headers for part in header.split(",")]
    kinds = {part.partition(";")[0].strip() for part in parts if not _REFUSED.search(part)}
    if headers and not kinds & {"application/json", "application/*", "*/*", "", media_type}:
        raise NotAcceptable


def _query(raw: bytes, known: Collection[str]) -> dict[str, str]:
    if not raw:
        return {}
    try:
        given = dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise InvalidRequest("The query has too many parameters: at most 100 are read.") from None
    for name in given:
        if name not in known:
            raise InvalidRequest(f'Unknown argument: "{name}"', field=name)
    return given
