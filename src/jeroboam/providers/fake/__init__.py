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
from .weather import Spread, Weather


class FakePlugin:
    """Entry point."""

    name = "fake"

    def create(self, settings: Mapping[str, str]) -> Provider:
        """Settings: see config/passed.py."""
        return FakeProvider(**read_settings(settings))


plugin = FakePlugin()

__all__ = [
    "Cloud",
    "FakeCatalogue",
    "FakeProvider",
    "Fault",
    "OperationFault",
    "Spread",
    "Weather",
    "plugin",
    "read_catalogue",
]
