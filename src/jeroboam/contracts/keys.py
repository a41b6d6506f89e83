"""A key of the service, for a provider that hides what it gives away from all but the machine that it is for."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class NeedsKey(Protocol):
    """Optional, for a provider whose machines get their first boot by ways that others can look into."""

    def use_key(self, key: bytes) -> None:
        """Called once, before the provider starts. 32 bytes: the same in every process of the service and after each start."""
        ...
