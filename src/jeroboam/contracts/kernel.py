"""What a wish needs of the nodes' kernel, and a provider that can tell. Either side may do without: then nobody is asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..domain import ClusterShape


@dataclass(frozen=True)
class KernelNeed:
    """One feature, in the kernel's own word (`ip_vs`, `esp4`). `use` is what it serves, `field` the attribute that asks for it,
    `instead` the way without it."""

    feature: str
    use: str
    field: str
    instead: str


@runtime_checkable
class KernelNeeds(Protocol):
    """Optional, for a driver whose labels ask for what not every kernel has."""

    def kernel_needs(self, shape: ClusterShape) -> Sequence[KernelNeed]:
        """What clusters of this shape need; asked of templates, too. Pure."""
        ...


@runtime_checkable
class KernelProbe(Protocol):
    """Optional, for a provider whose nodes run on kernels that are there already."""

    async def lacking(self, features: Collection[str], image_id: str) -> frozenset[str]:
        """Those that nodes of this image would not have; what cannot be found out counts as there. Changes nothing."""
        ...
