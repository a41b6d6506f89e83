"""What a driver can say of a wish before it is one for a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..domain import ClusterShape
from .compute import Image, Problem


@runtime_checkable
class ShapeCheck(Protocol):
    """Optional, for a driver that can tell from a template alone that no cluster could be made of it."""

    def shape_problems(self, shape: ClusterShape) -> Sequence[Problem]:
        """Everything that `validate` would refuse whatever the cluster's groups and image are. Pure."""
        ...


@runtime_checkable
class ImageCheck(Protocol):
    """Optional, for a driver whose labels can ask for what a template's image does not hold."""

    def image_problems(self, shape: ClusterShape, image: Image) -> Sequence[Problem]:
        """What labels ask for and the image says it has not. An image that does not say is no problem here; `validate` may refuse
        clusters of it. Pure."""
        ...
