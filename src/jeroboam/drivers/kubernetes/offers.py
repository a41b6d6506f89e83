"""RuntimeClasses of a live cluster: the control plane makes those of its own image at its boot, node groups bring others later."""

from __future__ import annotations

from collections.abc import Sequence

from ..live_api import Json
from . import runtimes
from .api import KubeApi

_CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"


async def ensure(api: KubeApi, nodes: Sequence[Json]) -> None:
    """One list, and a class for each runtime that a node offers and that has none. Raises CoeUnreachable, CoeRefused."""
    offered = set().union(*(runtimes.borne(node["metadata"].get("labels", {})) for node in nodes))
    if not offered:
        return
    there = {one["metadata"]["name"] for one in await api.items(_CLASSES)}
    for name in sorted(offered - there):
        await api.create(_CLASSES, runtimes.class_of(name))
