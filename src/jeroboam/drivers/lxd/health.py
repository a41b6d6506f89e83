"""What a live LXD cluster says of itself: its API and its members."""

from __future__ import annotations

from collections.abc import Sequence

from ...contracts import CoeHealth, Machine, NodeHealth
from ..live_api import Json
from .api import LxdApi

ONLINE = "Online"


async def look(api: LxdApi, expected: Sequence[Machine]) -> CoeHealth:
    """Raises CoeUnreachable."""
    server = await api.server()
    environment = server.get("environment") or {}
    if server.get("auth") != "trusted" or not environment.get("server_clustered"):
        reason = "our certificate is not trusted" if server.get("auth") != "trusted" else "no cluster yet"
        return CoeHealth(api_ok=False, nodes=(), workloads_ready=False, reason=reason)
    nodes = _nodes(await api.members(), expected)
    driver = environment.get("driver", "").partition(" ")[0]
    return CoeHealth(
        api_ok=True,
        nodes=nodes,
        workloads_ready=all(node.ready for node in nodes),
        coe_version=f"v{environment['server_version']}",
        container_version=f"{driver} {environment.get('driver_version', '').partition(' ')[0]}".strip() or None,
    )


def _nodes(seen: Sequence[Json], expected: Sequence[Machine]) -> tuple[NodeHealth, ...]:
    found = {str(member["server_name"]): _node(member) for member in seen}
    for machine in expected:
        found.setdefault(machine.name, NodeHealth(machine.name, ready=False, reason="has not joined yet"))
    return tuple(found[name] for name in sorted(found))


def _node(member: Json) -> NodeHealth:
    name = str(member["server_name"])
    if member["status"] == ONLINE:
        return NodeHealth(name, ready=True)
    return NodeHealth(name, ready=False, reason=f"{member['status']}: {member.get('message') or 'no reason given'}")
