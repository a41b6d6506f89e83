"""What a wish for a Swarm cluster must look like: all that is wrong with it, in one answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ...contracts import Capabilities, Image, Problem
from ...domain import Cluster, NodeGroup
from .. import checks
from . import labels


def problems(cluster: Cluster, groups: Sequence[NodeGroup], image: Image, can: Capabilities) -> list[Problem]:
    """Everything that cannot be served."""
    options, found = labels.read(cluster.shape.labels)
    asked = options.docker_tag if options else None
    found += checks.version(image, asked, prop="docker_version", tool="Docker Engine", label="docker_tag", coe="swarm")
    found += checks.sizes(groups, can, "managers")
    found += checks.untainted(
        groups, "Swarm", "Use labels and placement constraints: --constraint node.labels.KEY==VALUE."
    )
    found += checks.shape(cluster.shape, can, "Docker")
    return found
