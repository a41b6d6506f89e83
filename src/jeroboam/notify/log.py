"""Notifications as lines of the log."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from ..contracts import ClusterEvent
from . import cadf

_log = structlog.get_logger("jeroboam.notifications")


class LogSender:
    """Implements contracts.Sender."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> LogSender:
        """No settings."""
        return cls()

    async def send(self, event: ClusterEvent) -> None:
        tell = _log.error if cadf.priority(event) == "ERROR" else _log.info
        tell(cadf.event_type(event), outcome=event.outcome, cluster=event.cluster_uuid, payload=cadf.payload(event))

    async def stop(self) -> None:
        """Nothing is held."""
