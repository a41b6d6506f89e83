"""What a wish for an LXD cluster must look like: all that is wrong with it, in one answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ...contracts import Capabilities, Image, Problem
from ...domain import Cluster, ClusterShape, NodeGroup
from .. import checks
from . import labels

_VERSION = {"prop": "lxd_version", "tool": "LXD", "label": "lxd_tag", "coe": "lxd"}


def problems(cluster: Cluster, groups: Sequence[NodeGroup], image: Image, can: Capabilities) -> list[Problem]:
    """Everything that cannot be served."""
    options, found = labels.read(cluster.shape.labels)
    asked = options.lxd_tag if options else None
    found += checks.version(image, asked, **_VERSION)
    if checks.is_windows(image):
        found.append(
            Problem(f"Image {image.name} holds Windows, which LXD does not run on.", "image_id", "Name another.")
        )
    found += checks.sizes(groups, can, "members that serve the API")
    found += checks.untainted(groups, "LXD", "Name the member with `lxc launch --target`.")
    found += checks.shape(cluster.shape, can, "LXD")
    if cluster.shape.insecure_registry:
        found.append(Problem("LXD knows no registries.", "insecure_registry", "Leave it unset."))
    return found


def image_problems(shape: ClusterShape, image: Image) -> list[Problem]:
    """Another version than the image holds."""
    options, _ = labels.read(shape.labels)
    return checks.version_held(image, options.lxd_tag if options else None, **_VERSION)
