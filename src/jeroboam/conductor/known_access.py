"""Access to clusters at rest, as made at an earlier look: their keys change only by operations, and each of those takes a new fence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..contracts import Access
from ..domain import Cluster


@dataclass
class KnownAccess:
    """Of so many clusters, for so long: well within the life of what the maker of an access makes."""

    lasts: timedelta = timedelta(hours=1)
    at_most: int = 10_000
    _kept: dict[str, tuple[int, datetime, Access]] = field(default_factory=dict)  # by cluster: fence, end, access

    def get(self, cluster: Cluster, now: datetime) -> Access | None:
        """None when there is none, or another operation began since, or the cluster has another address."""
        kept = self._kept.get(cluster.uuid)
        if kept is None or kept[0] != cluster.fence or kept[1] <= now or kept[2].api_address != cluster.api_address:
            return None
        return kept[2]

    def keep(self, cluster: Cluster, access: Access, now: datetime) -> None:
        self._kept.pop(cluster.uuid, None)
        while len(self._kept) >= self.at_most:
            self._kept.pop(next(iter(self._kept)))
        self._kept[cluster.uuid] = (cluster.fence, now + self.lasts, access)
