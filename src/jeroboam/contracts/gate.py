"""What a provider or a driver may implement besides its contract: a say in whether and when an operation goes ahead."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol, runtime_checkable

from ..domain import OperationKind


@runtime_checkable
class OperationGate(Protocol):
    """Optional; found by its methods. Provider and driver are both asked, the provider first."""

    def refuse(self, cluster_name: str, kind: OperationKind) -> str | None:
        """Why such an operation is not supported, or None. Asked after all other checks and before anything is stored."""
        ...

    async def enter(self, cluster_name: str, kind: OperationKind, running: timedelta) -> timedelta:
        """How long the operation must still wait here; zero or less lets it in. Asked at the beginning of every pass.

        `running` is the time since the operation began, crashes included. What is raised ends or delays the operation as an
        error of a step does: Permanent and UserError end it as failed, RetryLater asks again later.
        """
        ...
