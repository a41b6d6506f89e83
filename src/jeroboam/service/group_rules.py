"""What node groups must obey: counts, node labels, taints. Sources: API contract, section 2.6; Kubernetes' NodeRestriction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..domain import NodeGroup, Role
from ..domain.errors import Conflict

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_OPEN_SUFFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")
_WELL_KNOWN = frozenset(
    {
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "kubernetes.io/hostname",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        "kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "node.kubernetes.io/windows-build",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)


def check(group: NodeGroup) -> None:
    """Raises Conflict with Magnum's words for the first rule that is broken."""
    least, most, count = group.min_node_count, group.max_node_count, group.node_count
    if least > count:
        raise _invalid(
            group, "min_node_count", f"min_node_count ({least}) should be less or equal to node_count ({count})"
        )
    if most and most < count:
        raise _invalid(
            group, "max_node_count", f"max_node_count ({most}) should be greater or equal to node_count ({count})"
        )
    if group.role is Role.CONTROL_PLANE and (group.node_labels or group.node_taints):
        what = "node_labels" if group.node_labels else "node_taints"
        raise _invalid(group, what, f"{what} are not supported on a master node group")
    _check_labels(group, group.node_labels)
    _check_taints(group, group.node_taints)


def _check_labels(group: NodeGroup, labels: Mapping[str, str]) -> None:
    for key in labels:
        namespace = key.rpartition("/")[0]
        reserved = namespace in ("kubernetes.io", "k8s.io") or namespace.endswith((".kubernetes.io", ".k8s.io"))
        opened = any(namespace == end or namespace.endswith(f".{end}") for end in _OPEN_SUFFIXES)
        if reserved and not opened and key not in _WELL_KNOWN:
            raise _invalid(group, "node_labels", f"{key} is in a namespace that Kubernetes keeps for itself")


def _check_taints(group: NodeGroup, taints: Sequence[Mapping[str, str]]) -> None:
    for number, taint in enumerate(taints):
        if not taint.get("key"):
            raise _invalid(group, "node_taints", f"node_taints[{number}].key must not be empty")
        if taint.get("effect") not in _EFFECTS:
            raise _invalid(group, "node_taints", f"node_taints[{number}].effect must be one of {', '.join(_EFFECTS)}")


def _invalid(group: NodeGroup, what: str, why: str) -> Conflict:
    return Conflict(f"{what} for {group.name} is invalid ({why}).")
