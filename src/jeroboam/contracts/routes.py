"""Pods at their own addresses in the network between the nodes: a driver that has such, and a provider whose network must be told.

Either side may do without. A network that carries whatever its machines send, as one machine's bridge does, needs no telling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..domain import Cluster, ClusterShape
from .coe import Access
from .compute import Network


@dataclass(frozen=True)
class PodRange:
    """The addresses of all pods, as CIDR; no node's part of it has a shorter prefix than `node_bits`. `wish` is what asks for them to be
    routed, in the tenant's words, `field` the attribute."""

    cidr: str
    node_bits: int
    wish: str
    field: str


@runtime_checkable
class RoutedPods(Protocol):
    """Optional, for a driver whose nodes may hand packets of pods to each other as they are, without a tunnel."""

    def routed_pods(self, shape: ClusterShape) -> PodRange | None:
        """None where nodes of this shape wrap such packets. Asked of templates, too. Pure."""
        ...

    async def pod_ranges(self, access: Access) -> Mapping[str, str]:
        """The part of it that each node has, as CIDR, by the node's name; nodes without one are left out. It is told on as the cluster
        says it: who asks looks whether it is such a part. Raises CoeUnreachable."""
        ...


@runtime_checkable
class PodRouter(Protocol):
    """Optional, for a provider whose network drops what does not come from a machine's own address."""

    async def route_pods(self, cluster: Cluster, network: Network, pods: str, ranges: Mapping[str, str]) -> str:
        """Let these machines (part of `pods` by machine's name) send and get packets of their pods, and lead the network's others there.

        What led elsewhere in `pods` goes. A name that no machine has is passed over. Idempotent; a machine that is deleted takes
        its route along. Returns what the network has no room for, as a sentence for the tenant; "" when all is done. Raises
        ProviderRefused, ProviderUnavailable.
        """
        ...
