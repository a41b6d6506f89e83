"""Node images that Docker holds: found by label, whatever container tool they are for."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass

from ..domain.errors import ArtifactUnavailable, NotFound
from .docker import docker
from .oven import LABEL

VERSION_LABELS = ("kube_version", "docker_version", "lxd_version")


@dataclass(frozen=True)
class NodeImage:
    """A node image that Docker holds. `size` in bytes; `version` is the container tool's."""

    tag: str
    id: str
    coe: str
    version: str
    recipe: str
    size: int


async def list_node_images() -> list[NodeImage]:
    """All node images that Docker holds."""
    try:
        return await _look()
    except ArtifactUnavailable as error:
        if "no such image" not in error.message.lower():
            raise
        return await _look()  # a build elsewhere replaced one between the two calls


async def _look() -> list[NodeImage]:
    ids = (await docker("images", "-q", "--filter", f"label={LABEL}=1", timeout_s=60)).split()
    if not ids:
        return []
    found = json.loads(await docker("image", "inspect", *sorted(set(ids)), timeout_s=60))
    return [
        NodeImage(
            tag=tag,
            id=one["Id"],
            coe=labels.get("jeroboam.coe", ""),
            version=next((labels[name] for name in VERSION_LABELS if name in labels), ""),
            recipe=labels.get("jeroboam.recipe", ""),
            size=one["Size"],
        )
        for one in found
        for tag in one["RepoTags"] or []
        for labels in [one["Config"]["Labels"]]
    ]


async def remove_node_image(tag: str) -> None:
    """Raises NotFound; fails with Docker's words while a node uses it."""
    if tag not in {image.tag for image in await list_node_images()}:
        raise NotFound(
            "Node image", tag, hint="`jeroboam image list` shows those that exist; give the tag as it stands there."
        )
    await docker("rmi", tag, timeout_s=120)


async def find_node_image(tag: str) -> NodeImage | None:
    """The image of this tag."""
    return next((image for image in await list_node_images() if image.tag == tag), None)


async def drop_replaced(before: NodeImage | None, made: NodeImage) -> None:
    """Images that lost their tag to a newer one, unless nodes use them: the last one, and what was in use at its time.
    A commit of another process has no tag for a moment, so the young ones are left."""
    if before is not None and before.id != made.id:
        with suppress(ArtifactUnavailable):  # in use
            await docker("rmi", before.id)
    await docker("image", "prune", "-f", "--filter", f"label={LABEL}", "--filter", "until=10m")
