"""HTTP to the API of a live cluster, for every driver: TLS contexts that are kept, a deadline, and what an answer means."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, ClassVar, TypeVar

import httpx

from .. import pki
from ..contracts import Access
from ..domain.errors import CoeRefused, CoeUnreachable, CoeUntrusted

_CALL_S = 10.0
_OTHERS = 6  # as many as may stand behind a balancer beside the one that does not serve
_MOMENT_S = 0.05
Json = dict[str, Any]
_SILENT = "Where it lasts: is a control-plane machine up, and does a way lead from the service to its port?"
_CLOCKS = "Compare the clocks of the control plane and of the service; NTP keeps them together."
# How OpenSSL tells them, by httpx. Source: OpenSSL, X509_verify_cert_error_string(3), and RFC 8446, section 6.2, for alerts.
_STRANGERS = (
    (r"certificate is not yet valid", "shows a certificate that is not valid yet", _CLOCKS),
    (
        r"certificate has expired",
        "shows a certificate that has expired",
        f"Rotate the cluster's certificates. {_CLOCKS}",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "shows a certificate that is not of this cluster's CA",
        "Something else answers there, or the cluster's CA was changed by hand; look at what holds the port.",
    ),
    (
        r"ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|CERTIFICATE_REVOKED)",
        "does not accept our certificate",
        "The cluster's CA was changed by hand; put it back, or make the cluster anew.",
    ),
)


class Contexts:
    """TLS contexts of the clusters asked last. They are dear to make (2 ms) and health asks often."""

    def __init__(self, kept: int = 256) -> None:
        self._kept = kept
        self._made: dict[Access, SSLContext] = {}

    def of(self, access: Access) -> SSLContext:
        """The context of this access: the one made before, if it is still kept."""
        found = self._made.pop(access, None)
        if found is None:
            found = pki.client_context(access.ca_pem, access.cert_pem, access.key_pem)
            while len(self._made) >= self._kept:
                self._made.pop(next(iter(self._made)))
        self._made[access] = found  # last in the order: used last
        return found


class LiveApi:
    """One live cluster. Every call has a deadline and raises CoeUnreachable when the API does not serve, and CoeRefused when it
    serves and says no for good. Subclasses name the API and say which answers those are."""

    called: ClassVar[str]
    refusals: ClassVar[Mapping[int, str]] = {
        401: "The cluster does not know our certificate: were its CAs changed by hand?",
        403: "Something inside the cluster forbids it; look there.",
    }
    too_early: ClassVar[str | None] = None  # words of a refusal that passes by itself
    not_here: ClassVar[str | None] = None  # words of one that does not serve while others behind the same balancer do

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        if (
            self.not_here is not None
        ):  # a kept connection would lead to that one for ever, and the balancer not be asked
            client.headers["Connection"] = "close"

    async def _send(self, method: str, path: str, *, fine: tuple[int, ...] = (), **more: Any) -> httpx.Response:
        answer = await self._asked(method, path, **more)
        for _ in range(_OTHERS):  # that one has done nothing, and the next connection leads to another
            if answer.is_success or self.not_here is None or self.not_here not in answer.text:
                break
            await asyncio.sleep(_MOMENT_S)
            answer = await self._asked(method, path, **more)
        if answer.is_success or answer.status_code in fine:
            return answer
        reason = " ".join(answer.text.split())[:200]
        said = f"{self.called} answers {method} {path} with {answer.status_code}: {reason}"
        passes = self.too_early is not None and self.too_early in answer.text
        if answer.status_code in self.refusals and not passes:
            raise CoeRefused(said, hint=self.refusals[answer.status_code])
        raise CoeUnreachable(said)

    async def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **more)
        except (httpx.HTTPError, OSError) as error:
            raise self._silent(str(error) or type(error).__name__) from error

    def _silent(self, text: str) -> CoeUnreachable:
        at = f"{self.called} at {self._client.base_url}"
        for pattern, said, hint in _STRANGERS:
            if re.search(pattern, text):
                return CoeUntrusted(f"{at} {said}.", hint=hint)
        return CoeUnreachable(f"{at} does not answer: {text}.", hint=_SILENT)


A = TypeVar("A", bound=LiveApi)


@asynccontextmanager
async def connect(kind: type[A], access: Access, contexts: Contexts) -> AsyncIterator[A]:
    """The API of a live cluster, for some calls in a row. Proxies of this process's environment are not asked."""
    client = httpx.AsyncClient(
        base_url="https://" + access.api_address.partition("://")[2],  # tcp:// is how Docker's client wants it written
        verify=contexts.of(access),
        timeout=_CALL_S,
        trust_env=False,
        follow_redirects=False,
    )
    async with client:
        yield kind(client)
