"""What is told to the outside about clusters: events from an outbox, and those who carry them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class ClusterEvent:
    """Something happened to a cluster. `cluster` and `groups` are what was stored of it in the same transaction, without secrets."""

    uuid: str
    cluster_uuid: str
    action: str  # create, update, delete
    outcome: str  # pending, success, failure
    user_id: str
    project_id: str
    request_id: str
    happened_at: datetime
    cluster: Mapping[str, Any]
    groups: tuple[Mapping[str, Any], ...] = ()
    reason: str | None = None
    attempts: int = 0
    id: int | None = None


class Sender(Protocol):
    """Carries events to one place. Called one event of a cluster at a time; the same event may come twice."""

    async def send(self, event: ClusterEvent) -> None:
        """Returns when it has arrived. Raises RetryLater to be asked again, Permanent for what will never be taken."""
        ...

    async def stop(self) -> None: ...


class EventStore(Protocol):
    """The outbox. Rows are written by the changes that they tell, in the same transaction."""

    async def due_events(self, limit: int) -> Sequence[ClusterEvent]:
        """The oldest event of each cluster, if it is due; oldest first."""
        ...

    async def close_event(self, event_id: int) -> None:
        """It has arrived, or never will. Repeatable."""
        ...

    async def postpone_event(self, event_id: int, due_at: datetime) -> None:
        """Not before that time again."""
        ...

    async def drop_events(self, *, before: datetime, keep: int) -> int:
        """Give up events that are older, and the oldest beyond so many; how many those were."""
        ...
