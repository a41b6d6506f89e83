"""The one place where an error becomes an answer: the table error -> status, and Magnum's shape of it.

WireError            what only HTTP knows: BadMicroversion UnsupportedMicroversion NotAcceptable MethodNotAllowed UnknownMimetype
                     BodyTooLarge SlowBody
"""

from __future__ import annotations

import traceback
import uuid
from http import HTTPStatus

import msgspec
import structlog
from litestar.exceptions import HTTPException

from ..contracts import Unauthenticated
from ..domain.errors import (
    Ambiguous,
    Bug,
    ConfigError,
    Conflict,
    Forbidden,
    IdentityUnavailable,
    InvalidRequest,
    JeroboamError,
    NotFound,
    NotSupported,
    Permanent,
    QuotaExceeded,
    RetryLater,
    UserError,
)
from .error_bodies import (
    ErrorEntry,
    Errors,
    HelpLink,
    UnauthenticatedEntry,
    Unauthorized,
    Unsupported,
    UnsupportedEntry,
)

_log = structlog.get_logger(__name__)

STATUS: tuple[tuple[type[JeroboamError], int], ...] = (
    (InvalidRequest, 400),
    (NotSupported, 400),
    (Forbidden, 403),
    (QuotaExceeded, 403),
    (NotFound, 404),
    (Ambiguous, 409),
    (Conflict, 409),
    (RetryLater, 503),
    (Permanent, 500),
    (Bug, 500),
    (UserError, 400),  # what plug-ins raise or derive themselves
    (JeroboamError, 500),
)


# What helps against a ConfigError is done in files that who calls does not have.
_NOT_YOURS = "The operator of this service can mend it: its log has how, at the request {}."


class WireError(Exception):
    """An answer that is decided by HTTP alone. `detail` "" is how a router answers."""

    status = 400
    detail = ""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class BadMicroversion(WireError):
    """The header is malformed, or the endpoint begins at a later version."""

    status = 406


class UnsupportedMicroversion(WireError):
    """The header is well formed and asks for what does not exist. `asked` is its number."""

    status = 406

    def __init__(self, asked: str) -> None:
        super().__init__("Requested microversion is unsupported")
        self.asked = asked


class NotAcceptable(WireError):
    """The client takes no JSON."""

    status = 406


class MethodNotAllowed(WireError):
    """The path is there and takes other methods: `allow`, as the header has them."""

    status = 405

    def __init__(self, allow: str) -> None:
        super().__init__()
        self.allow = allow


class UnknownMimetype(WireError):
    """The body is of a kind that nobody reads here."""

    status = 415


class BodyTooLarge(WireError):
    """The body is longer than the settings allow."""

    status = 413


class SlowBody(WireError):
    """The body did not arrive in time, or not at all."""

    status = 408


class Answer(msgspec.Struct, frozen=True):
    """An error as it goes out."""

    status: int
    body: bytes
    headers: dict[str, str]


def answer(error: BaseException, request_id: str) -> Answer:
    """Magnum's answer to any error. What nobody foresaw is logged with its trace under an incident id."""
    if isinstance(error, Unauthenticated):
        return _unauthenticated(error)
    if isinstance(error, IdentityUnavailable):
        return _identity_away(error)
    if isinstance(error, UnsupportedMicroversion):
        return Answer(error.status, _UNSUPPORTED, {})
    if isinstance(error, MethodNotAllowed):
        return _shaped(error.status, "", code="", headers={"Allow": error.allow})
    if isinstance(error, WireError):
        return _shaped(error.status, error.detail, code="client" if error.detail else "")
    if isinstance(error, JeroboamError):
        return _of_domain(error, request_id)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _of_router(error)
    return _unforeseen(error, request_id)


def _of_domain(error: JeroboamError, request_id: str) -> Answer:
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    if status == 500:
        kind = type(error).__name__
        _log.error("request failed", request_id=request_id, error=error.message, kind=kind, hint=error.hint)
    headers = {}
    if isinstance(error, RetryLater):
        headers["Retry-After"] = str(max(1, round(error.after_s)))
    hint = _NOT_YOURS.format(request_id) if isinstance(error, ConfigError) else error.hint
    return _shaped(status, f"{error.message} {hint}" if hint else error.message, headers=headers)


def _of_router(error: HTTPException) -> Answer:
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return _shaped(413, "The request body is too large.")
    headers = {key: value for key, value in (error.headers or {}).items() if key.lower() == "allow"}
    return _shaped(error.status_code, "", code="", headers=headers)


def _unforeseen(error: BaseException, request_id: str) -> Answer:
    incident = uuid.uuid4().hex[:12]
    trace = "".join(traceback.format_exception(error))
    _log.error("incident", incident=incident, request_id=request_id, trace=trace)
    return _shaped(500, f"An error of Jeroboam's own (incident {incident}): the operator finds the trace in the log.")


def _unauthenticated(error: Unauthenticated) -> Answer:
    body = Unauthorized(UnauthenticatedEntry(401, "Unauthorized", str(error)))
    return Answer(401, msgspec.json.encode(body), {"WWW-Authenticate": error.challenge})


def _identity_away(error: IdentityUnavailable) -> Answer:
    """Plain text, as keystonemiddleware answers in Magnum's stead."""
    headers = {"Content-Type": "text/plain; charset=UTF-8", "Retry-After": str(max(1, round(error.after_s)))}
    return Answer(503, error.message.encode(), headers)


def _shaped(status: int, detail: str, *, code: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    detail = detail.encode(errors="replace").decode()  # no UTF-8 holds a lone surrogate
    entry = ErrorEntry(
        code=code if code is not None else "client" if status < 500 else "server",
        status=status,
        title=detail.partition(".")[0],
        detail=detail,
    )
    return Answer(status, msgspec.json.encode(Errors([entry])), headers or {})


_UNSUPPORTED = msgspec.json.encode(
    Unsupported(
        [
            UnsupportedEntry(
                code="magnum.microversion-unsupported",
                title="Requested microversion is unsupported",
                min_version="1.1",
                max_version="1.14",
                links=[HelpLink("help", "http://docs.openstack.org/api-guide/compute/microversions.html")],
            )
        ]
    )
)
