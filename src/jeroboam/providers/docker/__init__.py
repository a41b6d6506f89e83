"""Provider "docker": machines are system containers of one Docker daemon, with systemd inside and a network for each cluster.

Nodes hold nearly all capabilities of their host: meant for laptops, tests and tenants who trust each other, not for strangers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...contracts import Provider
from .probe import Finding, inspect_host
from .provider import DockerProvider
from .settings import DockerSettings, read_settings


class DockerPlugin:
    """Entry point."""

    name = "docker"

    def create(self, settings: Mapping[str, str]) -> Provider:
        """Settings: see `DockerSettings`."""
        return DockerProvider(read_settings(settings))


plugin = DockerPlugin()

__all__ = ["DockerProvider", "DockerSettings", "Finding", "inspect_host", "plugin", "read_settings"]
