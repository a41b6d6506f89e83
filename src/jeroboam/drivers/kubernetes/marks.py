"""Labels, taints and the server id on live nodes.

What is ours is remembered in an annotation on the node, so that a wish that was dropped can be told from what a tenant set by hand.
Sources: Kubernetes API reference v1.34, Node; spec.taints is replaced as a whole, so a patch names the version it was made for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ...contracts import NodeMark
from ...domain.errors import CoeUnreachable
from ..live_api import Json
from .api import KubeApi

OURS = "jeroboam.io/marks"
_ATTEMPTS = 5
_Taint = Mapping[str, str]


async def mark(api: KubeApi, marks: Sequence[NodeMark]) -> list[Json]:
    """One list, and one patch for each node that differs; the nodes as they were. Raises CoeUnreachable, CoeRefused."""
    listed = await api.items("/api/v1/nodes")
    nodes = {node["metadata"]["name"]: node for node in listed}
    for wish in marks:
        await _mark(api, wish, nodes.get(wish.node))
    return listed


async def _mark(api: KubeApi, wish: NodeMark, node: Json | None) -> None:
    path = f"/api/v1/nodes/{wish.node}"
    for _ in range(_ATTEMPTS):
        change = {} if node is None else plan(node, wish)
        if not change or await api.patch_as_seen(path, change):
            return
        node = await api.find(path)  # somebody else wrote it meanwhile
    raise CoeUnreachable(f"{wish.node} is changed by others all the time; its labels and taints are not written yet.")


def plan(node: Json, wish: NodeMark) -> Json:
    """The strategic merge patch that makes the node show its marks; empty when it does. Pure."""
    meta, spec = node["metadata"], node.get("spec", {})
    seen, (our_labels, our_taints) = meta.get("labels", {}), _ours(meta.get("annotations", {}))
    labels: dict[str, str | None] = {key: None for key in our_labels if key in seen and key not in wish.labels}
    labels.update({key: value for key, value in wish.labels.items() if seen.get(key) != value})
    taints = _taints(spec.get("taints", []), our_taints, wish.taints)
    remembered = _remembered(wish)
    change: Json = {"metadata": {}, "spec": {}}
    if labels:
        change["metadata"]["labels"] = labels
    if meta.get("annotations", {}).get(OURS) != remembered:
        change["metadata"]["annotations"] = {OURS: remembered}
    if taints is not None:
        change["spec"]["taints"] = taints
    if not spec.get("providerID"):  # may be set once and never changed
        change["spec"]["providerID"] = wish.server_id
    change = {part: values for part, values in change.items() if values}
    if change:
        change.setdefault("metadata", {})["resourceVersion"] = meta["resourceVersion"]
    return change


def _taints(seen: list[Json], ours: set[tuple[str, str]], wished: Sequence[_Taint]) -> list[Json] | None:
    """All taints as they shall be, or None when they are so. Key and effect together are a taint's name."""
    keep = [t for t in seen if _name(t) not in ours and _name(t) not in {_name(one) for one in wished}]
    present = {_name(t): t for t in seen}
    wanted = [_wanted(taint, present.get(_name(taint))) for taint in wished]
    whole = [*keep, *wanted]
    return None if sorted(map(str, whole)) == sorted(map(str, seen)) else whole


def _wanted(taint: _Taint, seen: Json | None) -> Json:
    """As it stands on the node when its value fits: Kubernetes adds when it was set."""
    wish = {part: taint[part] for part in ("key", "value", "effect") if taint.get(part)}
    return seen if seen is not None and seen.get("value", "") == taint.get("value", "") else wish


def _name(taint: Mapping[str, str]) -> tuple[str, str]:
    return taint["key"], taint["effect"]


def _remembered(wish: NodeMark) -> str:
    return json.dumps({"labels": sorted(wish.labels), "taints": sorted(map(list, map(_name, wish.taints)))})


def _ours(annotations: Mapping[str, str]) -> tuple[set[str], set[tuple[str, str]]]:
    """Labels and taints that an earlier call set; none when somebody else wrote nonsense there."""
    try:
        found = json.loads(annotations.get(OURS, "{}"))
        labels, taints = found.get("labels", []), found.get("taints", [])
        return {str(key) for key in labels}, {(str(key), str(effect)) for key, effect in taints}
    except (ValueError, TypeError, AttributeError):
        return set(), set()
