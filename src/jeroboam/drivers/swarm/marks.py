"""Node labels on the members of a swarm: those of their group, the group's name, the server id.

Which labels are ours is remembered in a label, so that a wish that was dropped can be told from what a tenant set by hand.
Source: Docker Engine API v1.41, POST /nodes/{id}/update (a version stands for what was seen).
"""

from __future__ import annotations

from collections.abc import Sequence

from ...contracts import NodeMark
from ..live_api import Json
from .engine import Engine
from .health import latest

OURS = "jeroboam.labels"
GROUP, SERVER = "jeroboam.group", "jeroboam.server"


async def mark(engine: Engine, marks: Sequence[NodeMark]) -> None:
    """One list, and one update for each node that differs. Raises CoeUnreachable: also when somebody else wrote it meanwhile."""
    nodes = latest(await engine.nodes())
    for wish in marks:
        node = nodes.get(wish.node)
        labels = None if node is None else plan(node, wish)
        if node is not None and labels is not None:
            await engine.update_node(node, {"Labels": labels})


def plan(node: Json, wish: NodeMark) -> dict[str, str] | None:
    """All labels as they shall be, or None when they are so. Pure."""
    seen: dict[str, str] = dict(node["Spec"].get("Labels") or {})
    ours = {key for key in seen.get(OURS, "").split(",") if key}
    wanted = dict(wish.labels) | {GROUP: wish.group, SERVER: wish.server_id}
    kept = {key: value for key, value in seen.items() if key not in ours and key not in (OURS, GROUP, SERVER)}
    whole = kept | wanted | ({OURS: ",".join(sorted(wish.labels))} if wish.labels else {})
    return None if whole == seen else whole
