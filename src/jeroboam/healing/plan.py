"""Which ailing nodes may be healed, and how. Pure.

A node that stopped is started again; one that does not come up by that, or is not ready though its machine may run, is replaced: around
its state where the driver keeps one, else whole. A node that is ready is left alone, whatever its machine is called. The control plane
keeps its majority, and a group of workers most of its nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..contracts import Driver, MachineRebuilder, Provider, StatefulDriver
from ..domain import Ailing, Ailment, NodeGroup, Role


class Remedy(StrEnum):
    """What is done about a node."""

    START = "start"
    REBUILD = "rebuild"  # its machine anew around its state
    REPLACE = "replace"


@dataclass(frozen=True)
class Means:
    """What the driver and the provider can do: ailments that a replacement may end, and whether machines are made anew around their
    state. `api_ok`: the cluster itself can be asked."""

    replaces: frozenset[Ailment] = frozenset()
    rebuilds: bool = False
    api_ok: bool = True


def means_of(driver: Driver, provider: Provider, *, api_ok: bool) -> Means:
    """What this pair can do."""
    rebuilds = isinstance(driver, StatefulDriver) and isinstance(provider, MachineRebuilder)
    return Means(driver.capabilities.heals, rebuilds=rebuilds, api_ok=api_ok)


@dataclass(frozen=True)
class Plan:
    """Remedies by node; and of the nodes that are left alone, why."""

    remedies: Mapping[str, Remedy]
    left: Mapping[str, str]


def as_details(plan: Plan, ailing: Mapping[str, Ailing]) -> dict[str, Any]:
    """For the operation's row: each node with what ails it and the remedy, and which ones are not waited for."""
    nodes = {name: {**ailing[name].as_json(), "remedy": remedy.value} for name, remedy in plan.remedies.items()}
    return {"nodes": nodes, "left": sorted(set(ailing) - set(plan.remedies))}


def summary(plan: Plan, ailing: Mapping[str, Ailing]) -> str:
    """One line for people."""
    told = [f"{remedy} {name} ({ailing[name].ailment})" for name, remedy in plan.remedies.items()]
    return "heal: " + (", ".join(told) or "bring about all of the wish")


def plan_healing(
    groups: Sequence[NodeGroup],
    ailing: Mapping[str, Ailing],
    due: Collection[str],
    means: Means,
    tried: Mapping[str, Remedy],
    share_percent: int,
) -> Plan:
    """Remedies for those of the ailing nodes that are due. To make anew what is gone takes nothing away, so with the first remedy all
    of that is due."""
    rules = _Rules(groups, ailing, means, share_percent)
    chosen: dict[str, Remedy] = {}
    left: dict[str, str] = {}
    order = sorted(ailing.values(), key=lambda one: (one.role is not Role.CONTROL_PLANE, one.since, one.node))
    wanted = [one for one in order if one.node in due or (due and one.ailment is Ailment.GONE)]
    for one in wanted:
        remedy = _remedy(one, means, tried.get(one.node))
        if why := rules.refusal(one, remedy, chosen):
            left[one.node] = why
        else:
            chosen[one.node] = remedy
    lost = [one.node for one in order if one.ailment is Ailment.GONE and one.node in left]
    if chosen and not rules.has_majority and any(ailing[name].role is Role.CONTROL_PLANE for name in lost):
        left |= dict.fromkeys(chosen, f"{lost[0]} is gone, and the control plane has no majority without it")
        chosen = {}
    return Plan(chosen, left)


def _remedy(one: Ailing, means: Means, tried: Remedy | None) -> Remedy:
    """The first that was not tried in vain the last time."""
    ladder = [Remedy.START] if one.ailment is Ailment.STOPPED else []
    ladder += [Remedy.REBUILD] if means.rebuilds else []
    if not (means.rebuilds and one.role is Role.CONTROL_PLANE):  # its state is what there is of the cluster
        ladder.append(Remedy.REPLACE)
    step = ladder.index(tried) + 1 if tried in ladder else 0
    return ladder[min(step, len(ladder) - 1)]


@dataclass(frozen=True)
class _Rules:
    groups: Sequence[NodeGroup]
    ailing: Mapping[str, Ailing]
    means: Means
    share_percent: int

    def refusal(self, one: Ailing, remedy: Remedy, chosen: Mapping[str, Remedy]) -> str:
        """Why a node is not healed so now, "" when it may be. To start a machine takes nothing away."""
        if one.ailment is Ailment.FAILED:
            return f"{one.why}, yet the node is ready"
        if remedy is Remedy.START:
            return ""
        if not self.means.api_ok:
            return "the cluster's API does not answer, so nothing can be replaced"
        if one.ailment not in self.means.replaces:
            return f"a node that is {one.ailment} holds what would be lost with it"
        if one.role is Role.CONTROL_PLANE:
            return self._majority(chosen)
        return "" if one.ailment is Ailment.GONE else self._share(one, chosen)

    @property
    def _heads(self) -> int:
        return sum(group.node_count for group in self.groups if group.role is Role.CONTROL_PLANE)

    @property
    def _well(self) -> int:
        return self._heads - sum(one.role is Role.CONTROL_PLANE for one in self.ailing.values())

    @property
    def has_majority(self) -> bool:
        """Of the control plane, well."""
        return self._well * 2 > self._heads

    def _majority(self, chosen: Mapping[str, Remedy]) -> str:
        if not self.has_majority:
            return f"{self._well} of {self._heads} control-plane nodes are well, which is no majority"
        away = [name for name in chosen if self.ailing[name].role is Role.CONTROL_PLANE]
        return f"{away[0]} of the control plane comes first" if away else ""

    def _share(self, one: Ailing, chosen: Mapping[str, Remedy]) -> str:
        count = next((group.node_count for group in self.groups if group.name == one.group), 0)
        most = max(1, count * self.share_percent // 100)
        taken = sum(
            self.ailing[name].group == one.group and self.ailing[name].ailment is not Ailment.GONE
            for name, remedy in chosen.items()
            if remedy is not Remedy.START
        )
        return f"at most {most} of {count} nodes of {one.group} are replaced at once" if taken >= most else ""
