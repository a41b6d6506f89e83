"""How large a machine must be at least for what a driver puts on it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..domain import Role


@runtime_checkable
class MemoryNeeds(Protocol):
    """Optional, for a driver whose tool does not come up on a machine that is too small."""

    def least_memory_mib(self, role: Role) -> int:
        """What a node of this role needs to come up, with nothing of the tenant's on it. Pure."""
        ...
