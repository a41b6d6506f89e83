"""HTTP to the API of one live cluster, with the user's certificate. A deadline on every call; a refusal is told in the tool's own words."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from ..access import Access
from ..errors import BadAnswer, Refused, Unreachable
from ..output import plain
from ..tls import client_context
from ..wire import Json

CONNECT_S = 5.0
ANSWER_S = 30.0
WORDS = 500  # of a refusal: what a tool says about a long wish can be long


class Session:
    """One cluster. Use it in a `with`. Proxies of the environment are not asked: the address is the cluster's own."""

    def __init__(self, access: Access, called: str, *, verbose: bool = False) -> None:
        self.cluster = access.name
        self._called, self._verbose = called, verbose
        place = access.address.partition("://")[2]  # tcp:// is how Docker's client wants it written
        self._url = f"{'http' if access.ca_pem is None else 'https'}://{place}"
        self._http = httpx.Client(
            base_url=self._url,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if access.ca_pem is None else client_context(*access.pems()),
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **params: str) -> Any:
        """A JSON document."""
        return self.json(self.send("GET", path, params=params))

    def listed(self, path: str, key: str | None = None, **params: str) -> list[Json]:
        """A list of objects, under `key` of the answer or the answer itself. Raises BadAnswer for anything else."""
        document = self.get(path, **params)
        found = document if key is None else document.get(key) if isinstance(document, dict) else None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise BadAnswer(f"{self._called} of {self.cluster} answers {path} with something else than a list.")
        return found

    def post(self, path: str, body: Json, **params: str) -> Json:
        """The object that a POST is answered with."""
        document = self.json(self.send("POST", path, body=body, params=params))
        return document if isinstance(document, dict) else {}

    def delete(self, path: str, **params: str) -> httpx.Response:
        """Gone already is success."""
        return self.send("DELETE", path, fine=(404,), params=params)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        params: dict[str, str] | None = None,
        fine: tuple[int, ...] = (),
        timeout_s: float = ANSWER_S,
    ) -> httpx.Response:
        """One request. An answer that is neither success nor `fine` raises Refused."""
        wait = httpx.Timeout(timeout_s, connect=CONNECT_S)
        try:
            answer = self._http.request(method, path, json=body, params=params or None, timeout=wait)
        except httpx.TransportError as error:
            raise self._unreachable(error) from None
        return self._checked(answer, fine)

    def upload(
        self, path: str, pieces: Iterable[bytes], headers: dict[str, str], *, timeout_s: float
    ) -> httpx.Response:
        """A POST of bytes, which are given bit by bit."""
        wait = httpx.Timeout(timeout_s, connect=CONNECT_S)
        try:
            answer = self._http.post(path, content=pieces, headers=headers, timeout=wait)
        except httpx.TransportError as error:
            raise self._unreachable(error) from None
        return self._checked(answer, ())

    @contextmanager
    def opened(self, method: str, path: str, *, headers: dict[str, str], timeout_s: float) -> Iterator[httpx.Response]:
        """A request whose answer is read piece by piece, or is another protocol (101)."""
        wait = httpx.Timeout(timeout_s, connect=CONNECT_S)
        try:
            with self._http.stream(method, path, headers=headers, timeout=wait) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    self._checked(answer, ())
                yield answer
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def json(self, answer: httpx.Response) -> Any:
        """Its document. Raises BadAnswer."""
        try:
            return answer.json()
        except ValueError:
            raise BadAnswer(
                f"{self._called} of {self.cluster} answers {answer.request.url.path} without JSON."
            ) from None

    def _checked(self, answer: httpx.Response, fine: tuple[int, ...]) -> httpx.Response:
        if self._verbose:
            print(f"{answer.request.method} {answer.request.url} -> {answer.status_code}", file=sys.stderr)
        if answer.status_code < 400 or answer.status_code in fine:
            return answer
        raise Refused(
            f"{self._called} of {self.cluster} says no ({answer.status_code}): {_words(answer)}",
            status=answer.status_code,
        )

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        text = " ".join(plain(error).split()) or type(error).__name__
        return Unreachable(
            f"{self._called} of {self.cluster} at {self._url} does not answer: {text.rstrip('.')}.",
            hint=f"`jeroboam cluster why {self.cluster}` tells how the cluster is.",
        )


def _words(answer: httpx.Response) -> str:
    """`message` of Kubernetes and Docker, `error` of LXD."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    said = (document.get("message") or document.get("error")) if isinstance(document, dict) else None
    return " ".join(plain(said or answer.text).split())[:WORDS] or answer.reason_phrase
