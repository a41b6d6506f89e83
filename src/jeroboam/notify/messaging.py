"""Notifications on the message bus of an OpenStack cloud, by oslo.messaging, which is imported only here and only when chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..contracts import ClusterEvent
from ..domain.errors import ConfigError, ProviderUnavailable
from . import cadf

_AT_ONCE = 4


class MessagingSender:
    """Implements contracts.Sender. It blocks, so it works in threads of its own; the bus is not asked twice within one `send`."""

    def __init__(self, transport: Any, *, publisher: str, topics: Sequence[str], timeout_s: float) -> None:
        self._transport = transport
        self._publisher = publisher
        self._topics = topics
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="notify")

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> MessagingSender:
        """Settings: url (transport_url), topics, timeout_s, host. Raises ConfigError."""
        url = settings.get("url", "")
        if not url:
            raise ConfigError(
                "[notifications] url is not set.", hint="The driver messaging needs rabbit://USER:PASSWORD@HOST."
            )
        try:
            import oslo_messaging
            from oslo_config import cfg
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"[notifications] driver messaging needs the Python package {error.name}, which is not installed.",
                hint="pip install 'jeroboam[openstack]'",
            ) from error
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[], default_config_dirs=[])
        try:
            transport = oslo_messaging.get_notification_transport(conf, url=url)
        except (oslo_messaging.InvalidTransportURL, oslo_messaging.DriverLoadFailure) as error:
            raise ConfigError(
                "[notifications] url is no transport URL that oslo.messaging knows.",
                hint=f"It says {type(error).__name__}.",
            ) from None
        return cls(
            transport,
            publisher=f"container-infra.{settings.get('host', 'localhost')}",
            topics=[part.strip() for part in settings.get("topics", "notifications").split(",")],
            timeout_s=float(settings.get("timeout_s", "10")),
        )

    async def send(self, event: ClusterEvent) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                await loop.run_in_executor(self._threads, self._notify, event)
        except TimeoutError:
            raise ProviderUnavailable("The message bus does not answer in time.") from None

    def _notify(self, event: ClusterEvent) -> None:
        """By the transport itself: oslo.messaging's Notifier logs a message that is lost, and tells nobody."""
        import oslo_messaging

        context = {"request_id": event.request_id, "user_id": event.user_id, "project_id": event.project_id}
        message = {
            "message_id": event.uuid,
            "publisher_id": self._publisher,
            "timestamp": f"{event.happened_at:%Y-%m-%d %H:%M:%S.%f}",
            "priority": cadf.priority(event),
            "event_type": cadf.event_type(event),
            "payload": cadf.payload(event),
        }
        for topic in self._topics:
            target = oslo_messaging.Target(topic=f"{topic}.{cadf.priority(event).lower()}")
            try:
                self._transport._send_notification(target, context, message, version=2.0, retry=0)
            except oslo_messaging.MessagingException as error:
                raise ProviderUnavailable(f"The message bus does not answer: {type(error).__name__}.") from error

    async def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.cleanup()
