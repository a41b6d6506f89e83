"""Making a node safe to remove: nothing new comes, what runs moves, the node is forgotten."""

from __future__ import annotations

import asyncio

from ...domain.errors import DeadlineExceeded
from ..live_api import Json
from .api import KubeApi

_LIMIT_S = 300.0
_LOOK_S = 0.5
_MIRROR = "kubernetes.io/config.mirror"


async def release(api: KubeApi, name: str, *, dead: bool = False, limit_s: float = _LIMIT_S) -> None:
    """Cordon, drain, delete the node object and what belonged to it. `dead`: known to be, though the API may call it ready for 40 s more;
    one that dies meanwhile is waited for no longer. Repeatable; unknown nodes count as drained. Raises DeadlineExceeded."""
    path = f"/api/v1/nodes/{name}"
    if await api.patch(path, {"spec": {"unschedulable": True}}):
        await _drain(api, name, dead=dead, limit_s=limit_s)
        await api.delete(path)
    # A node of the same name may join within seconds, long before controllers clear away; what ran on every node would count for it.
    await _strike_off(api, await api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={name}"))


async def _drain(api: KubeApi, name: str, *, dead: bool, limit_s: float) -> None:
    left: list[Json] = []
    try:
        async with asyncio.timeout(limit_s):
            left = await _pods(api, name)
            while left:
                await _evict(api, left, dead=dead or await _away(api, name))
                await asyncio.sleep(_LOOK_S)
                left = await _pods(api, name)
    except TimeoutError:
        names = ", ".join(_name(pod) for pod in left[:5])
        raise DeadlineExceeded(
            f"{name}: {len(left)} pods did not leave within {limit_s:g} s: {names}.",
            hint="A disruption budget or a slow shutdown may hold them; make room for them elsewhere, then retry.",
        ) from None


async def _evict(api: KubeApi, pods: list[Json], *, dead: bool) -> None:
    """Nobody on a dead node answers an eviction: its pods are struck off."""
    if dead:
        await _strike_off(api, pods)
        return
    for pod in pods:
        meta = pod["metadata"]
        if "deletionTimestamp" not in meta:
            await api.evict(meta["namespace"], meta["name"])


async def _strike_off(api: KubeApi, pods: list[Json]) -> None:
    for pod in pods:
        meta = pod["metadata"]
        await api.delete(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", grace_s=0)


async def _pods(api: KubeApi, node: str) -> list[Json]:
    """Pods that have to move: not those that belong to the node itself, nor those that ended by themselves.

    One that ends because it was evicted counts until its kubelet has struck it off: nobody would, once the node is gone.
    """
    found = await api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
    return [pod for pod in found if not _stays(pod)]


def _stays(pod: Json) -> bool:
    meta = pod["metadata"]
    owners = {owner["kind"] for owner in meta.get("ownerReferences", [])}
    leaving = "deletionTimestamp" in meta
    ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed") and not leaving
    return "DaemonSet" in owners or _MIRROR in meta.get("annotations", {}) or ended


async def _away(api: KubeApi, name: str) -> bool:
    """Whether the node's kubelet has not been heard of lately, or the node is not known any more."""
    node = await api.find(f"/api/v1/nodes/{name}")
    conditions = node["status"].get("conditions", []) if node else []
    return not any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _name(pod: Json) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
