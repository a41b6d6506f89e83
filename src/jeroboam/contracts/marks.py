"""An ability that a driver may have beyond the core contract: marks on the live nodes themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ..domain import Labels
from .coe import Access


@dataclass(frozen=True)
class NodeMark:
    """What one node shall show. `server_id` is its machine at the provider, as `PROVIDER:///ID`: what is told to a resize
    that names nodes."""

    node: str
    server_id: str
    labels: Labels = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    group: str = ""  # name of its node group


@runtime_checkable
class NodeMarks(Protocol):
    """Implemented by drivers whose tool knows labels and taints of nodes. One that does not is never asked."""

    async def mark(self, access: Access, marks: Sequence[NodeMark]) -> None:
        """Make these nodes show their marks. Idempotent.

        Labels and taints that an earlier call set and that are not wished any more go; those that others set stay. A node that
        the cluster does not know is passed over. Raises CoeUnreachable, CoeRefused.
        """
        ...
