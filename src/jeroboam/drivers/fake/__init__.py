"""Driver "fake": a container tool that is always there once its machines run. Faults by settings."""

from __future__ import annotations

from collections.abc import Mapping

from ...contracts import DeclaredDriver, Driver, refuse_unknown
from ...domain.errors import ConfigError
from .driver import FakeDriver
from .stateful import StatefulFakeDriver

__all__ = ["FakeDriver", "FakePlugin", "StatefulFakeDriver", "plugin"]


class FakePlugin:
    """Entry point."""

    name = "fake"

    def create(self, settings: Mapping[str, str]) -> Driver:
        """Settings: `coe`, `unhealthy`, `stateful`."""
        refuse_unknown("fake_driver", settings, ("coe", "unhealthy", "stateful"))
        stateful = settings.get("stateful", "false").lower()
        if stateful not in ("true", "false"):
            raise ConfigError(f"[fake_driver] stateful = {stateful} is neither true nor false.")
        kind = StatefulFakeDriver if stateful == "true" else FakeDriver
        return kind(coe=settings.get("coe", "kubernetes"), unhealthy=settings.get("unhealthy", ""))

    def declare(self, declared: DeclaredDriver, settings: Mapping[str, str]) -> Driver:
        """The same driver under another name, for other clusters. Settings: `unhealthy`."""
        unhealthy = settings.get("unhealthy", "")
        return FakeDriver(name=declared.name, provides=declared.provides, beta=declared.beta, unhealthy=unhealthy)


plugin = FakePlugin()
