"""The HTTP client of the command line: the public API of one service, its errors as one sentence, a deadline on every call."""

from __future__ import annotations

import base64
import json
import ssl
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx

from . import suggestions
from .address import Address
from .errors import BadAnswer, Refused, Unreachable, Usage
from .wire import Json, segment

CONNECT_S = 5.0
ANSWER_S = 60.0  # an image or flavor look-up of a slow cloud happens inside a POST
_MICROVERSION = "container-infra latest"
_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")  # what OpenSSL 3 calls an answer that is no TLS
_COARSE = timedelta(seconds=2)  # the Date header has whole seconds


@dataclass(frozen=True)
class Answer:
    """A good answer: its document (None when it has no body) and the request's id."""

    document: Any
    request_id: str


class Client:
    """Speaks to one service. Close it, or use it in a `with`. Not shared between threads.

    Paths are given without slash in front: `v1/clusters`, `ext/v1/images`. All methods raise Unreachable, Refused or BadAnswer.
    """

    def __init__(self, address: Address, *, verbose: bool = False, transport: httpx.BaseTransport | None = None):
        self.address = address
        self._verbose = verbose
        self._skew = timedelta(0)
        self._suggesting = False
        headers = {"OpenStack-API-Version": _MICROVERSION, "Accept": "application/json", "User-Agent": "jeroboam-cli"}
        if address.username is not None:
            pair = f"{address.username}:{address.password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            verify=_trust(address),
            trust_env=not address.loopback,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def now(self) -> datetime:
        """The service's time, as far as its Date headers tell."""
        return datetime.now(UTC) + self._skew

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        """A document that is an object."""
        document = self.send("GET", path, params=params).document
        if not isinstance(document, dict):
            raise self._bad(f"/{path} is not a JSON object")
        return document

    def entries(self, path: str, key: str, *, limit: int | None = None) -> list[Json]:
        """All entries of a paged collection, or the first `limit`."""
        found: list[Json] = []
        for page in self._pages(path, {} if limit is None else {"limit": str(limit)}):
            found_here = page.get(key)
            if not isinstance(found_here, list):
                raise self._bad(f"/{path} has no list {key!r}")
            found.extend(found_here)
            if not found_here or (limit is not None and len(found) >= limit):
                break
        return found[:limit]

    def cluster(self, ident: str) -> Json:
        """A cluster by uuid or name. An ambiguous name is refused with the uuids to choose from."""
        try:
            return self.get(f"v1/clusters/{segment(ident)}")
        except Refused as error:
            if error.status != 409:
                raise
            raise self._ambiguous("cluster", ident, "v1/clusters", "clusters", error) from None

    def handle(self, thing: Json, collection: str = "v1/clusters") -> str:
        """What a command may call this cluster (or template): its name, or its uuid where the name does not lead to it alone."""
        uuid, name = str(thing.get("uuid")), str(thing.get("name"))
        try:
            alone = self.get(f"{collection}/{segment(name)}").get("uuid") == uuid
        except Refused:
            alone = False
        return name if alone else uuid

    def template(self, ident: str) -> Json:
        """A cluster template by uuid or name, like `cluster`."""
        try:
            return self.get(f"v1/clustertemplates/{segment(ident)}")
        except Refused as error:
            if error.status != 409:
                raise
            raise self._ambiguous("template", ident, "v1/clustertemplates", "clustertemplates", error) from None

    def operations(self, cluster: str) -> list[Json]:
        """Operations of a cluster, newest first; by uuid also after it is gone."""
        return self.entries(f"ext/v1/clusters/{segment(cluster)}/operations", "operations")

    def operation(self, uuid: str) -> Json:
        """One operation."""
        return self.get(f"ext/v1/operations/{segment(uuid)}")

    def steps(self, operation: str) -> list[Json]:
        """The timeline of one operation, in order of beginning."""
        return self.entries(f"ext/v1/operations/{segment(operation)}/steps", "steps")

    def events(self, operation: str, *, silence_s: float) -> Iterator[tuple[str, Json]]:
        """Each event of an operation: its kind and its document; ("", {}) after all that came at once, be it a mere sign of life.

        Unreachable after so long a silence."""
        path = f"ext/v1/operations/{segment(operation)}/events"
        url = f"{self.address.url}/{path}"
        wanted, limits = {"Accept": "text/event-stream"}, httpx.Timeout(silence_s, connect=CONNECT_S)
        try:
            with self._http.stream("GET", url, headers=wanted, timeout=limits) as response:
                self._tell(f"GET {url} -> {response.status_code}")
                self._learn_time(response)
                if response.status_code >= 400:
                    response.read()
                    raise self._refused(response, response.headers.get("x-openstack-request-id", ""), path, None)
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    raise self._bad(f"the answer to GET /{path} is no stream of events")
                yield from self._parsed(response.iter_text())
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def _parsed(self, pieces: Iterable[str]) -> Iterator[tuple[str, Json]]:
        """Source: WHATWG HTML, section 9.2.6; of an event of several lines of data we have none."""
        kind, rest = "", ""
        for piece in pieces:
            *lines, rest = (rest + piece).split("\n")
            for line in lines:
                field, _, value = line.partition(":")
                if field == "event":
                    kind = value.strip()
                elif field == "data":
                    yield kind, self._event(value)
            yield "", {}

    def _event(self, data: str) -> Json:
        try:
            document = json.loads(data)
        except ValueError:
            raise self._bad("an event holds no JSON") from None
        return document if isinstance(document, dict) else {}

    def post(self, path: str, body: Any, *, needs: str) -> Answer:
        """A POST whose answer is an object that has the key `needs`."""
        answer = self.send("POST", path, body=body)
        if not isinstance(answer.document, dict) or needs not in answer.document:
            raise self._bad(f"the answer to POST /{path} has no {needs!r}")
        return answer

    def send(self, method: str, path: str, *, body: Any = None, params: Mapping[str, str] | None = None) -> Answer:
        """One request."""
        url = f"{self.address.url}/{path}"
        started = time.monotonic()
        try:
            response = self._http.request(method, url, json=body, params=params)
        except httpx.TransportError as error:
            self._tell(f"{method} {url} -> {type(error).__name__}")
            raise self._unreachable(error) from None
        request_id = response.headers.get("x-openstack-request-id", "")
        took_ms = (time.monotonic() - started) * 1000
        self._tell(f"{method} {response.url} -> {response.status_code} in {took_ms:.0f} ms {request_id}".rstrip())
        self._learn_time(response)
        if response.status_code >= 400:
            raise self._refused(response, request_id, path, body)
        if not response.is_success:
            raise self._bad(f"{method} /{path} is answered with status {response.status_code}")
        return Answer(self._document(response), request_id)

    def _pages(self, path: str, params: dict[str, str]) -> Iterator[Json]:
        seen: set[str] = set()
        while True:
            page = self.get(path, params)
            yield page
            following = page.get("next")
            if not isinstance(following, str) or following in seen:
                return
            seen.add(following)
            params = dict(parse_qsl(urlsplit(following).query))  # its host may be one that only a proxy knows

    def _document(self, response: httpx.Response) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise self._bad(f"the answer is {response.headers.get('content-type', 'of no type')}, not JSON") from None

    def _refused(self, response: httpx.Response, request_id: str, path: str, body: Any) -> Refused:
        message = _message(response) or f"The service answered with status {response.status_code}."
        hint = ""
        if response.status_code == 401:
            hint = "Name a cloud of your clouds.yaml with --os-cloud; it needs auth_type http_basic, username and password."
        elif response.status_code < 500:
            hint = self._suggestion(message, path, body)
        else:
            hint = f"The operator finds it in the service's log{f' by {request_id}' if request_id else ''}."
        told = suggestions.in_our_words(message, body)
        return Refused(told, status=response.status_code, request_id=request_id, hint=hint)

    def _suggestion(self, message: str, path: str, body: Any) -> str:
        if self._suggesting:  # what was asked for a hint was refused, too
            return ""
        self._suggesting = True
        try:
            return suggestions.after(self, message, path, body)
        finally:
            self._suggesting = False

    def _ambiguous(self, kind: str, name: str, path: str, key: str, error: Refused) -> Refused:
        same = [entry for entry in self.entries(path, key) if entry.get("name") == name]
        choice = ", ".join(
            f"{e.get('uuid')} ({e.get('status')})" if e.get("status") else str(e.get("uuid")) for e in same
        )
        message = suggestions.several(kind, name)
        return Refused(message, status=409, request_id=error.request_id, hint=f"Name one by its uuid: {choice}.")

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        url = self.address.url
        if isinstance(error, httpx.ConnectTimeout):
            return Unreachable(f"No service answers at {url} within {CONNECT_S:g} s.", hint=self._start())
        if isinstance(error, httpx.TimeoutException):
            return Unreachable(f"The service at {url} did not answer within {ANSWER_S:g} s.", hint="Try again.")
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = "Set `cacert` of the cloud in clouds.yaml to the file of the CA that signed it."
            return Unreachable(f"The certificate of {url} is not trusted.", hint=hint)
        if any(sign in str(error) for sign in _PLAIN_HTTP):
            hint = f"Write http://{url.partition('://')[2]} in {self.address.origin}."
            return Unreachable(f"The service at {url} answers, but not with TLS.", hint=hint)
        if isinstance(error, httpx.ConnectError):
            return Unreachable(f"No service answers at {url}.", hint=self._start())
        return Unreachable(f"The connection to {url} broke ({error or type(error).__name__}).", hint="Try again.")

    def _start(self) -> str:
        if self.address.loopback:
            return "Start one with `jeroboam up`, or name another with --url or --os-cloud."
        return f"The address comes from {self.address.origin}; check it, and that the service runs."

    def _bad(self, what: str) -> BadAnswer:
        return BadAnswer(f"What answers at {self.address.url} is no Jeroboam: {what}.", hint="Check the address.")

    def _learn_time(self, response: httpx.Response) -> None:
        try:
            skew = parsedate_to_datetime(response.headers["date"]) - datetime.now(UTC)
        except (KeyError, ValueError, TypeError):
            return
        self._skew = skew if abs(skew) > _COARSE else timedelta(0)

    def _tell(self, line: str) -> None:
        if self._verbose:
            print(line, file=sys.stderr)


def _trust(address: Address) -> ssl.SSLContext | bool:
    if not address.url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; reading the system's CAs would cost 30 ms
    try:
        context = ssl.create_default_context(cafile=address.cacert)
    except OSError as error:
        raise Usage(f"cacert {address.cacert!r} of {address.origin} cannot be read: {error}.") from None
    if not address.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _message(response: httpx.Response) -> str:
    """`errors[0].detail` of the API, `error.message` of its authentication; "" when it is neither."""
    try:
        document = response.json()
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    errors = document.get("errors")
    entry = errors[0] if isinstance(errors, list) and errors else document.get("error")
    if not isinstance(entry, dict):
        return ""
    text = str(entry.get("detail") or entry.get("message") or entry.get("title") or "").strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
