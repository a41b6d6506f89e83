"""What a provider reads of a wish beside what every provider does."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .coe import LabelSpec


@runtime_checkable
class DeclaresLabels(Protocol):
    """Optional, for a provider that reads labels of clusters and node groups: what is not declared is told to have no effect."""

    @property
    def labels(self) -> tuple[LabelSpec, ...]: ...


@runtime_checkable
class BootsFromVolumes(Protocol):
    """Optional, for a provider whose machines may have their root on a volume."""

    def use_boot_volume_size(self, gib: int) -> None:
        """Called once, before the provider starts: the size where the label boot_volume_size says nothing; 0 is the flavor's disk."""
        ...
