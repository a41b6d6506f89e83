"""What a swarm keeps for itself and a rotation renews: its join tokens, and the CA between its nodes.

They lie in the managers' own log, encrypted, and leave them only to join a node: the store has nothing of it to seal. A label of the swarm
says for which operation it was done, in the same write as the order. Source: Docker Engine API v1.41, POST /swarm/update, ClusterInfo.
"""

from __future__ import annotations

from typing import Any

from ...domain import OperationKind
from .engine import Engine

RENEWED = "jeroboam.renewed"


async def renew(engine: Engine, kind: OperationKind, order: str) -> str:
    """What is missing, or "". Raises CoeUnreachable: also when somebody else changed the swarm meanwhile."""
    seen = await engine.swarm()
    labels = dict(seen["Spec"].get("Labels") or {})
    if labels.get(RENEWED) != order:
        spec: dict[str, Any] = {"Labels": {**labels, RENEWED: order}}
        if kind is OperationKind.ROTATE_CA:
            present = seen["Spec"].get("CAConfig") or {}
            spec["CAConfig"] = {**present, "ForceRotate": int(present.get("ForceRotate") or 0) + 1}
        await engine.update_swarm(seen, spec)
        seen = await engine.swarm()
    return "nodes still renew their certificates of the swarm's own CA" if seen.get("RootRotationInProgress") else ""
