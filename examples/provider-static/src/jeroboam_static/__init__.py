"""Provider "static": machines that already exist, reached over SSH. A cluster holds them for as long as it lives; then they are wiped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jeroboam.contracts import Provider, refuse_unknown
from jeroboam.domain.errors import ConfigError

from .provider import StaticProvider


class StaticPlugin:
    """Entry point."""

    name = "static"

    def create(self, settings: Mapping[str, str]) -> Provider:
        """Settings: `inventory`, the path of a YAML file, which is read at the start. Raises ConfigError."""
        refuse_unknown("static", settings, ("inventory",))
        if not settings.get("inventory"):
            raise ConfigError("[static] inventory is not set.", hint="Name the YAML file that lists the machines.")
        return StaticProvider(Path(settings["inventory"]).expanduser())


plugin = StaticPlugin()

__all__ = ["StaticProvider", "plugin"]
