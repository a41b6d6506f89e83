"""Step "marks": the live nodes show the labels and taints of their group, also nodes that were there before."""

from __future__ import annotations

from ...contracts import NodeMark, NodeMarks
from ..scope import DONE, Outcome, Scope


class Marks:
    """Asks the driver, if it can. A cluster that cannot be reached from here keeps what its nodes registered with."""

    async def run(self, scope: Scope) -> Outcome:
        access = scope.access()
        if not isinstance(scope.driver, NodeMarks) or access is None:
            return DONE
        async with scope.timeline.step("marks"):
            await scope.asked("mark", scope.driver.mark(access, _marks(scope)), at=("marks", ""))
        return DONE


def _marks(scope: Scope) -> list[NodeMark]:
    if scope.plan is None:
        raise RuntimeError("steps out of order: marks need the machine plan")
    groups = {group.name: group for group in scope.groups}
    return [
        NodeMark(
            node=machine.name,
            server_id=f"{scope.provider.name}:///{machine.id}",
            group=machine.group,
            labels=groups[machine.group].node_labels,
            taints=groups[machine.group].node_taints,
        )
        for machine in scope.plan.keep
    ]
