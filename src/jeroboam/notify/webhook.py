"""Notifications as POSTs of JSON, signed if there is a secret.

The signature is `X-Jeroboam-Signature: sha256=<hex HMAC-SHA-256 of the body>`; `X-Jeroboam-Event-Id` is the same when an event comes again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import httpx
import msgspec

from ..contracts import ClusterEvent
from ..domain import Secret
from ..domain.errors import ConfigError, ProviderRefused, ProviderUnavailable
from . import cadf
from .settings import secret

_LATER = frozenset({408, 425, 429})


class WebhookSender:
    """Implements contracts.Sender. 2xx is arrival; 4xx is never again, but for 408, 425 and 429; all else is tried again."""

    def __init__(self, url: str, *, signed_by: Secret | None, timeout_s: float, publisher: str) -> None:
        self._url = url
        self._secret = signed_by
        self._publisher = publisher
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, trust_env=False)

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> WebhookSender:
        """Settings: url, secret_file, timeout_s, host. Raises ConfigError."""
        url = settings.get("url", "")
        if not url.startswith(("http://", "https://")):
            raise ConfigError("[notifications] url is not set.", hint="The driver webhook needs an http or https URL.")
        return cls(
            url,
            signed_by=secret(settings.get("secret_file", "")),
            timeout_s=float(settings.get("timeout_s", "10")),
            publisher=f"container-infra.{settings.get('host', 'localhost')}",
        )

    async def send(self, event: ClusterEvent) -> None:
        body = msgspec.json.encode(
            {
                "publisher_id": self._publisher,
                "event_type": cadf.event_type(event),
                "priority": cadf.priority(event),
                "message_id": event.uuid,
                "timestamp": event.happened_at,
                "payload": cadf.payload(event),
            }
        )
        headers = {"Content-Type": "application/json", "X-Jeroboam-Event-Id": event.uuid}
        if self._secret is not None:
            headers["X-Jeroboam-Signature"] = (
                f"sha256={hmac.new(self._secret.reveal(), body, hashlib.sha256).hexdigest()}"
            )
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ProviderUnavailable(f"The webhook does not answer: {type(error).__name__}.") from error
        if 400 <= answer.status_code < 500 and answer.status_code not in _LATER:
            raise ProviderRefused(f"The webhook answers {answer.status_code}.")
        if not answer.is_success:
            raise ProviderUnavailable(f"The webhook answers {answer.status_code}.")

    async def stop(self) -> None:
        await self._client.aclose()
