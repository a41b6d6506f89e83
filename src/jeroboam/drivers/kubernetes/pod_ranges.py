"""Which node has which pods. The controller manager gives each node its part once, and never another. Source: Node v1, spec.podCIDR."""

from __future__ import annotations

from .api import KubeApi


async def look(api: KubeApi) -> dict[str, str]:
    """By the node's name. Raises CoeUnreachable, CoeRefused."""
    nodes = await api.items("/api/v1/nodes")
    return {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in nodes if node["spec"].get("podCIDR")}
