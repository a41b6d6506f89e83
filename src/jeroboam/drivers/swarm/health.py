"""What a live swarm says of itself: its manager and its nodes."""

from __future__ import annotations

from collections.abc import Sequence

from ...contracts import CoeHealth, Machine, NodeHealth
from ..live_api import Json
from .engine import Engine

_UNDECIDED = (
    "unknown"  # to a new leader, until the node speaks or is down. Source: swarmkit, dispatcher, markNodesUnknown
)


async def look(engine: Engine, expected: Sequence[Machine]) -> CoeHealth:
    """Raises CoeUnreachable."""
    info = await engine.info()
    swarm = info.get("Swarm") or {}
    version = f"v{info['ServerVersion'].partition('+')[0]}"
    if not swarm.get("ControlAvailable"):
        reason = swarm.get("Error") or f"the manager's state is {swarm.get('LocalNodeState') or 'unknown'}"
        return CoeHealth(False, (), False, reason, version, f"docker {info['ServerVersion']}")
    nodes = _nodes(await engine.nodes(), expected)
    return CoeHealth(
        api_ok=True,
        nodes=nodes,
        workloads_ready=all(node.ready for node in nodes),
        coe_version=version,
        container_version=f"docker {info['ServerVersion']}",
    )


def latest(nodes: Sequence[Json]) -> dict[str, Json]:
    """One member a host name: a machine that was made anew leaves its former self behind, which is down."""
    found: dict[str, Json] = {}
    for node in sorted(nodes, key=lambda node: (is_ready(node), node["CreatedAt"])):
        found[name_of(node)] = node
    return found


def name_of(node: Json) -> str:
    """The host name, which is the machine's name."""
    return str((node.get("Description") or {}).get("Hostname", ""))


def is_ready(node: Json) -> bool:
    """It answers its manager."""
    return bool(node["Status"]["State"] == "ready")


def _nodes(seen: Sequence[Json], expected: Sequence[Machine]) -> tuple[NodeHealth, ...]:
    found = {name: _node(name, node) for name, node in latest(seen).items()}
    for machine in expected:
        found.setdefault(machine.name, NodeHealth(machine.name, ready=False, reason="has not joined yet"))
    return tuple(found[name] for name in sorted(found))


def _node(name: str, node: Json) -> NodeHealth:
    version = node["Description"].get("Engine", {}).get("EngineVersion")
    if is_ready(node):
        return NodeHealth(name, ready=True, version=version)
    state, said = node["Status"]["State"], node["Status"].get("Message") or "no reason given"
    return NodeHealth(name, ready=False, reason=f"{state}: {said}", version=version, undecided=state == _UNDECIDED)
