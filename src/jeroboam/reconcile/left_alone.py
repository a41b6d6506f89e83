"""What a healing does not touch: nodes it was told to leave, and machines that may run though their provider calls them otherwise."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..contracts import MachineSpec, MachineState
from ..domain import OperationKind
from ..planning import MachinePlan
from .scope import Scope

_MAY_RUN = (MachineState.FAILED, MachineState.BUILDING)


def without_left_alone(scope: Scope, plan: MachinePlan) -> MachinePlan:
    """The plan of a healing: it makes and starts what it was asked to, and leaves the rest as it is. Other operations bring about all
    of the wish."""
    if scope.operation.kind is not OperationKind.HEAL:
        return plan
    alone = scope.passed_over | {m.name for m in scope.seen if m.state in _MAY_RUN and not _is_ours(scope, m.name)}
    alone |= _heirs(scope, plan, alone)
    return replace(plan, ensure=tuple(spec for spec in plan.ensure if spec.name not in alone))


def _is_ours(scope: Scope, name: str) -> bool:
    """Whether this operation made the machine, began to, or took its former self away."""
    timeline = scope.timeline
    begun = timeline.started_at("machine", name) is not None
    return begun or timeline.ended_well("machine", name) or timeline.ended_well("heal", name)


def _heirs(scope: Scope, plan: MachinePlan, alone: Collection[str]) -> set[str]:
    """New names that would take the places of nodes that are gone and left so."""
    there, wanted = {machine.name for machine in scope.seen}, {spec.name for spec in plan.wanted}
    new = [spec for spec in plan.ensure if spec.name not in there and spec.name not in alone]
    heirs: set[str] = set()
    for name in sorted(set(alone) - there - wanted):
        heirs |= {spec.name for spec in [s for s in new if _is_beside(s, name) and s.name not in heirs][-1:]}
    return heirs


def _is_beside(spec: MachineSpec, name: str) -> bool:
    """Whether it is a machine of the same group: their names differ in the index alone."""
    return spec.name.rpartition("-")[0] == name.rpartition("-")[0]
