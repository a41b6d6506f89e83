"""Who is told what happens to clusters: one module for each way. Chosen by name in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..contracts import Sender
from ..domain.errors import ConfigError
from .log import LogSender
from .messaging import MessagingSender
from .webhook import WebhookSender

_DRIVERS: dict[str, Callable[[Mapping[str, str]], Sender]] = {
    "log": LogSender.from_settings,
    "messaging": MessagingSender.from_settings,
    "webhook": WebhookSender.from_settings,
}
_NEEDS = {"messaging": "oslo_messaging"}  # a package of the extra `openstack`, imported when chosen


def senders() -> Mapping[str, str | None]:
    """Every driver, with the Python module that it needs beside this package."""
    return {name: _NEEDS.get(name) for name in sorted(_DRIVERS)}


def create(driver: str, settings: Mapping[str, str]) -> Sender:
    """The sender of this name. Raises ConfigError."""
    if driver not in _DRIVERS:
        raise ConfigError(
            f"[notifications] driver: {driver!r} is not known.",
            hint=f"Drivers are: none, {', '.join(sorted(_DRIVERS))}.",
        )
    return _DRIVERS[driver](settings)


__all__ = ["LogSender", "MessagingSender", "WebhookSender", "create", "senders"]
