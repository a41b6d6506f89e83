"""Provider "openstack": machines are Nova's servers, in stacks of Heat, each cluster in its tenant's own project."""

from __future__ import annotations

from collections.abc import Mapping

from ...contracts import Provider
from ...domain.errors import ConfigError
from .provider import OpenStackProvider
from .settings import OpenStackSettings, read_settings


class OpenStackPlugin:
    """Entry point."""

    name = "openstack"

    def create(self, settings: Mapping[str, str]) -> Provider:
        """Settings: see `OpenStackSettings`."""
        read = read_settings(settings)
        try:
            from .session import KeystoneRest
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"[provider] default = openstack needs the Python package {error.name}, which is not installed.",
                hint="pip install 'jeroboam[openstack]'",
            ) from error
        return OpenStackProvider(KeystoneRest(read), read)


plugin = OpenStackPlugin()

__all__ = ["OpenStackProvider", "OpenStackSettings", "plugin", "read_settings"]
