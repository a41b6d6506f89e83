"""What a live cluster says of itself: its API, its nodes, and the services that make it useful."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ...contracts import CoeHealth, Machine, NodeHealth
from ...domain.errors import ErrorClass
from ..live_api import Json
from . import ailments
from .ailments import Trouble
from .api import KubeApi

_DNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
_ON_EVERY_NODE = {  # where each is, and the label of its pods
    "kube-proxy": ("kube-system", "kube-proxy", "k8s-app=kube-proxy"),
    "flannel": ("kube-flannel", "kube-flannel-ds", "app=flannel"),
}
_SKEW = timedelta(seconds=60)  # certificates and leases bear less than minutes; a busy server answers within seconds


async def look(api: KubeApi, expected: Sequence[Machine], now: datetime) -> CoeHealth:
    """Raises CoeUnreachable."""
    ready, said, date = await api.readiness()
    if not ready:
        return _ailing(False, ailments.of_api(said))
    if date is not None and abs(date - now) > _SKEW:
        return _ailing(False, _skewed(date - now))
    seen = await api.items("/api/v1/nodes")
    nodes = _nodes(seen, expected)
    missing = await _missing(api, len(seen)) if all(node.ready for node in nodes) else None
    version = (await api.get("/version"))["gitVersion"]
    return CoeHealth(
        api_ok=True,
        nodes=nodes,
        workloads_ready=missing is None and all(node.ready for node in nodes),
        reason=missing.reason if missing else "",
        coe_version=version,
        container_version=_runtime(seen),
        **_next(missing),
    )


def _ailing(api_ok: bool, ailment: Trouble) -> CoeHealth:
    return CoeHealth(api_ok, (), workloads_ready=False, reason=ailment.reason, **_next(ailment))


def _next(ailment: Trouble | None) -> Json:
    return {"hint": ailment.hint, "move": ailment.move} if ailment else {}


def _skewed(ahead: timedelta) -> Trouble:
    seconds = int(abs(ahead).total_seconds())
    way = "ahead of" if ahead > timedelta(0) else "behind"
    return Trouble(
        f"the control plane's clock is {timedelta(seconds=seconds)} {way} the service's",
        "Set both by NTP: certificates and leases do not hold between clocks that differ.",
    )


def _nodes(seen: list[Json], expected: Sequence[Machine]) -> tuple[NodeHealth, ...]:
    machines = {machine.name: machine for machine in expected}
    found = {name: _node(node, machines.get(name)) for node in seen for name in [node["metadata"]["name"]]}
    absent = [name for name in machines if name not in found]
    found.update({name: NodeHealth(name, ready=False, reason="has not joined yet") for name in absent})
    return tuple(found[name] for name in sorted(found))


def _node(node: Json, machine: Machine | None) -> NodeHealth:
    name, status = node["metadata"]["name"], node["status"]
    version = status.get("nodeInfo", {}).get("kubeletVersion")
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    ailment = ailments.of_node(node, machine)
    return NodeHealth(name, ready, ailment.reason if ailment else "", version, **_next(ailment))


async def _missing(api: KubeApi, nodes: int) -> Trouble | None:
    """None when DNS and network serve, else what does not yet, and why its pods say so."""
    for name, (namespace, daemon_set, label) in _ON_EVERY_NODE.items():
        found = await api.find(f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{daemon_set}")
        ready = (found or {}).get("status", {}).get("numberReady", 0)
        if ready < nodes:
            return await _because(api, f"{name} runs on {ready} of {nodes} nodes", namespace, label)
    dns = await api.find(_DNS)
    if not (dns or {}).get("status", {}).get("availableReplicas"):
        return await _because(api, "DNS (coredns) is not available yet", "kube-system", "k8s-app=kube-dns")
    return None


async def _because(api: KubeApi, what: str, namespace: str, label: str) -> Trouble:
    why = ailments.of_pods(await api.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=label))
    if why:
        return why._replace(reason=f"{what}; {why.reason}")
    look = f"kubectl -n {namespace} describe pods -l {label}"
    return Trouble(what, f"Pods of new nodes need some seconds. If it lasts, `{look}` tells why.", ErrorClass.TRANSIENT)


def _runtime(nodes: list[Json]) -> str | None:
    versions = {node["status"].get("nodeInfo", {}).get("containerRuntimeVersion") for node in nodes}
    return ", ".join(sorted(version for version in versions if version)) or None
