"""Machines made many at a time, for a provider whose infrastructure takes a whole set in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..domain.errors import JeroboamError
from .bootstrap import NodeConfig
from .compute import Endpoint, Machine, MachineSpec, Network


@dataclass(frozen=True)
class MachineRequest:
    """One machine and what it boots with."""

    spec: MachineSpec
    config: NodeConfig


@runtime_checkable
class MachineBatch(Protocol):
    """Optional; found by its method. The service then asks for all machines that a pass lacks at once, and not for one."""

    async def ensure_machines(
        self, requests: Sequence[MachineRequest], network: Network, endpoint: Endpoint
    ) -> Mapping[str, Machine | JeroboamError]:
        """What `ensure_machine` would do or raise for each, by its name: one that fails keeps the others from nothing.

        All are of one cluster. Raises only what is about none of them alone, such as ProviderUnavailable.
        """
        ...
