"""What ails the nodes of a cluster, and since when: kept with the cluster from one look to the next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from .model import Role


class Ailment(StrEnum):
    """What is wrong with a node that its cluster wishes to have."""

    GONE = "gone"  # the provider has no machine of its name any more
    STOPPED = "stopped"  # there is one, and it does not run
    FAILED = "failed"  # so its provider calls the machine, or it builds it for long; yet the node is ready
    NOT_READY = "not ready"  # it runs, and the container tool does not call the node ready


@dataclass(frozen=True)
class Ailing:
    """A node that is not well. `why` is in the infrastructure's or the tool's own words."""

    node: str
    group: str
    role: Role
    index: int
    ailment: Ailment
    why: str
    since: datetime

    def as_json(self) -> dict[str, str | int]:
        """For the cluster's row."""
        return {
            "group": self.group,
            "role": self.role.value,
            "index": self.index,
            "ailment": self.ailment.value,
            "why": self.why,
            "since": self.since.isoformat(),
        }

    @classmethod
    def of(cls, node: str, kept: Mapping[str, str | int]) -> Ailing:
        """The inverse of `as_json`."""
        return cls(
            node=node,
            group=str(kept["group"]),
            role=Role(str(kept["role"])),
            index=int(kept["index"]),
            ailment=Ailment(str(kept["ailment"])),
            why=str(kept["why"]),
            since=datetime.fromisoformat(str(kept["since"])),
        )


def remembered(now: Mapping[str, Ailing], before: Mapping[str, Ailing]) -> dict[str, Ailing]:
    """What ails now, each since it was first seen not to be well: a node that is not ready, then stopped, is ill all the while."""
    return {
        name: replace(one, since=before[name].since) if name in before else one for name, one in sorted(now.items())
    }
