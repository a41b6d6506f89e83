"""Provider "fake": machines that exist only as rows, boot after a while, and fail where the settings say so."""

from __future__ import annotations

from collections.abc import Mapping

from ...contracts import Provider
from .catalogue import FakeCatalogue
from .catalogue_file import read_catalogue
from .cloud import Cloud, Fault
from .gate import OperationFault
from .provider import FakeProvider
from .settings import read_settings


class FakePlugin:
    """Entry point."""

    name = "fake"

    def create(self, settings: Mapping[str, str]) -> Provider:
        """Settings: `state` (a file that survives the process), `catalogue` (a YAML file), `boot_s`, `latency_s`, `faults` (JSON)."""
        return FakeProvider(**read_settings(settings))


plugin = FakePlugin()

__all__ = ["Cloud", "FakeCatalogue", "FakeProvider", "Fault", "OperationFault", "plugin", "read_catalogue"]
