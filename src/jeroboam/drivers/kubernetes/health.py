"""What a live cluster says of itself: its API, its nodes, and the services that make it useful."""

from __future__ import annotations

from collections.abc import Sequence

from ...contracts import CoeHealth, Machine, NodeHealth
from ..live_api import Json
from .api import KubeApi

_DNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
_ON_EVERY_NODE = {
    "kube-proxy": "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy",
    "flannel": "/apis/apps/v1/namespaces/kube-flannel/daemonsets/kube-flannel-ds",
}


async def look(api: KubeApi, expected: Sequence[Machine]) -> CoeHealth:
    """Raises CoeUnreachable."""
    if await api.text("/readyz") != "ok":
        return CoeHealth(api_ok=False, nodes=(), workloads_ready=False, reason="the API server is not ready")
    seen = await api.items("/api/v1/nodes")
    nodes = _nodes(seen, expected)
    missing = "" if not all(node.ready for node in nodes) else await _missing(api, len(seen))
    version = (await api.get("/version"))["gitVersion"]
    return CoeHealth(
        api_ok=True,
        nodes=nodes,
        workloads_ready=not missing and all(node.ready for node in nodes),
        reason=missing,
        coe_version=version,
        container_version=_runtime(seen),
    )


def _nodes(seen: list[Json], expected: Sequence[Machine]) -> tuple[NodeHealth, ...]:
    found = {node["metadata"]["name"]: _node(node) for node in seen}
    absent = [m.name for m in expected if m.name not in found]
    found.update({name: NodeHealth(name, ready=False, reason="has not joined yet") for name in absent})
    return tuple(found[name] for name in sorted(found))


def _node(node: Json) -> NodeHealth:
    status = node["status"]
    ready = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), None)
    version = status.get("nodeInfo", {}).get("kubeletVersion")
    if ready is not None and ready["status"] == "True":
        return NodeHealth(node["metadata"]["name"], ready=True, version=version)
    reason = ready["message"] if ready else "no condition yet"
    return NodeHealth(node["metadata"]["name"], ready=False, reason=reason, version=version)


async def _missing(api: KubeApi, nodes: int) -> str:
    """ "" when DNS and network serve, else what does not yet."""
    for name, path in _ON_EVERY_NODE.items():
        found = await api.find(path)
        ready = (found or {}).get("status", {}).get("numberReady", 0)
        if ready < nodes:
            return f"{name} runs on {ready} of {nodes} nodes"
    dns = await api.find(_DNS)
    if not (dns or {}).get("status", {}).get("availableReplicas"):
        return "DNS (coredns) is not available yet"
    return ""


def _runtime(nodes: list[Json]) -> str | None:
    versions = {node["status"].get("nodeInfo", {}).get("containerRuntimeVersion") for node in nodes}
    return ", ".join(sorted(version for version in versions if version)) or None
