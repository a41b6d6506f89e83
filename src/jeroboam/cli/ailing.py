"""What the last look at a cluster's health says: which node, why, whose move it is and which."""

from __future__ import annotations

from .output import plain
from .wire import Json

MOVES = {
    "user": "yours.",
    "operator": "the operator's of this service (on your own machine: yours).",
    "transient": "nobody's yet. It may pass by itself; health is looked at again by and by.",
}
_CAUSE = ".Reason"
_SERVICES = "services"
_HEALING = "auto_healing"
_VERDICT = ("class", "hint", _HEALING)
_UNDER_WAY = ("from ", "asked for", "failed ")  # as the service says that it heals, or will


def of(cluster: Json | None) -> dict[str, str]:
    """The reasons of a cluster that is not healthy; empty for any other."""
    return _reasons(cluster) if cluster and cluster.get("health_status") == "UNHEALTHY" else {}


def briefly(cluster: Json) -> str:
    """The keys that are not well, in brackets, but those that `causes` tells in words."""
    reasons = _reasons(cluster)
    told = {name for name, _ in causes(cluster)}
    bad = [
        f"{key}={value}"
        for key, value in reasons.items()
        if value.lower() not in ("true", "ok")
        and key not in (*_VERDICT, _SERVICES)
        and not key.endswith(_CAUSE)
        and key.removesuffix(".Ready") not in told
    ]
    return f" ({plain(', '.join(bad))})" if bad else ""


def causes(cluster: Json) -> list[tuple[str, str]]:
    """What ails nodes, and the cluster's own services, in words."""
    reasons = _reasons(cluster)
    nodes = [(key.removesuffix(_CAUSE), why) for key, why in reasons.items() if key.endswith(_CAUSE)]
    return nodes + [(key, why) for key, why in reasons.items() if key == _SERVICES]


def healing(cluster: Json | None) -> str:
    """What becomes of its healing by itself, "" where that is not wished."""
    return of(cluster).get(_HEALING, "")


def heals_itself(cluster: Json | None) -> bool:
    """Whether the service heals it, or will without being asked."""
    return healing(cluster).startswith(_UNDER_WAY)


def may_be_healed(cluster: Json | None) -> bool:
    """Whether a node is not ready, and nothing was said against its healing."""
    unready = any(key.endswith(".Ready") and value == "False" for key, value in of(cluster).items())
    return unready and (heals_itself(cluster) or not healing(cluster))


def _reasons(cluster: Json) -> dict[str, str]:
    """Whoever watches a cluster may have written anything there."""
    reasons = cluster.get("health_status_reason")
    return {str(key): str(value) for key, value in reasons.items()} if isinstance(reasons, dict) else {}
