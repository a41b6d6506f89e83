"""What a driver can say of a wish before it is one for a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..domain import ClusterShape
from .compute import Problem


@runtime_checkable
class ShapeCheck(Protocol):
    """Optional, for a driver that can tell from a template alone that no cluster could be made of it."""

    def shape_problems(self, shape: ClusterShape) -> Sequence[Problem]:
        """Everything that `validate` would refuse whatever the cluster's groups and image are. Pure."""
        ...
