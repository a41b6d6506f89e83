"""The machines of many clusters at one look, for scans: of a provider whose answer costs no more for a hundred clusters than for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from ..domain.errors import JeroboamError
from .compute import Machine


@runtime_checkable
class MachineCensus(Protocol):
    """Optional, for a provider that can list by tag across clusters. Without it each cluster is asked for by itself."""

    async def list_machines_of(self, cluster_uuids: Collection[str]) -> Mapping[str, Sequence[Machine] | JeroboamError]:
        """What `list_machines` says of each of these clusters, or raises where it is about this one; of one without machines that it
        has none. Raises what is about all: an answer that is not whole is no answer, since what it leaves out would be taken for gone."""
        ...
