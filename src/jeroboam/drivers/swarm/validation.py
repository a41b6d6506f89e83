"""What a wish for a Swarm cluster must look like: all that is wrong with it, in one answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...contracts import Capabilities, Image, Problem
from ...domain import Cluster, ClusterShape, NodeGroup
from .. import checks
from . import labels

_VERSION = {"prop": "docker_version", "tool": "Docker Engine", "label": "docker_tag", "coe": "swarm"}


def problems(cluster: Cluster, groups: Sequence[NodeGroup], image: Image, can: Capabilities) -> list[Problem]:
    """Everything that cannot be served."""
    options, found = labels.read(cluster.shape.labels)
    asked = options.docker_tag if options else None
    found += checks.version(image, asked, **_VERSION)
    found += checks.windows(cluster.shape, groups, image)
    found += checks.sizes(groups, can, "managers")
    found += checks.untainted(
        groups, "Swarm", "Use labels and placement constraints: --constraint node.labels.KEY==VALUE."
    )
    found += checks.shape(cluster.shape, can, "Docker")
    return found


def image_problems(shape: ClusterShape, image: Image) -> list[Problem]:
    """Another version than the image holds."""
    options, _ = labels.read(shape.labels)
    return checks.version_held(image, options.docker_tag if options else None, **_VERSION)


def upgrade_problems(old: Image, new: Image) -> list[Problem]:
    """A newer engine reads what an older one wrote; the other way nobody promises it. Same versions are fine: a rebuilt image."""
    before, after = (image.properties.get("docker_version", "") for image in (old, new))
    if not before or not after or _numbers(after) >= _numbers(before):
        return []
    text = f"From Docker Engine {before} to {after} is a step back; an engine does not read a newer one's state."
    return [Problem(text, "cluster_template", "Choose a template whose image holds the same engine or a newer one.")]


def _numbers(version: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", version)]
