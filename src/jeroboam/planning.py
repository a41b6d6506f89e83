"""Which machines to make, finish and remove: a pure difference between the wish and what the provider shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .contracts import Image, Machine, MachineSpec, MachineState
from .domain import Cluster, NodeGroup, Role, cluster_slug, machine_name


@dataclass(frozen=True)
class MachinePlan:
    """`ensure`: wanted and not (fully) there. `keep`: wanted and running. `remove`: there and not wanted."""

    wanted: tuple[MachineSpec, ...]
    ensure: tuple[MachineSpec, ...]
    keep: tuple[Machine, ...]
    remove: tuple[Machine, ...]


def plan_machines(cluster: Cluster, groups: Iterable[NodeGroup], seen: Sequence[Machine]) -> MachinePlan:
    """Applying the plan and planning again gives a plan with nothing to ensure or remove."""
    by_name = {machine.name: machine for machine in seen}
    wanted = tuple(spec for group in groups for spec in _wanted(cluster, group, seen))
    names = {spec.name for spec in wanted}
    running = {name for name in names if name in by_name and by_name[name].state is MachineState.RUNNING}
    return MachinePlan(
        wanted=wanted,
        ensure=tuple(spec for spec in wanted if spec.name not in running),
        keep=tuple(by_name[spec.name] for spec in wanted if spec.name in running),
        remove=tuple(machine for machine in seen if machine.name not in names),
    )


def runs(machine: Machine, word: str, image: Image) -> bool:
    """Whether a machine was made of this image. `word` is what its node group calls it; tags hold a word, too, and names are not ids."""
    return machine.image_id in (word, image.id, image.name)


def plan_batch(
    groups: Iterable[NodeGroup], plan: MachinePlan, outdated: Collection[str], batch_size: int
) -> tuple[Machine, ...]:
    """The machines to replace next: of each group at most `batch_size` are away at once, absent ones counted.

    The control plane goes first, one machine at a time; workers begin when none of it is outdated or absent.
    """
    places = sorted(groups, key=lambda group: group.role is not Role.CONTROL_PLANE)
    batch: list[Machine] = []
    for group in places:
        head = group.role is Role.CONTROL_PLANE
        there = [machine for machine in plan.keep if machine.group == group.name]
        away = sum(spec.group == group.name for spec in plan.wanted) - len(there)
        old = sorted((m for m in there if m.name in outdated), key=lambda m: m.index)
        batch += old[: max(0, (1 if head else batch_size) - away)]
        if head and (old or away):
            break
    return tuple(batch)


def _wanted(cluster: Cluster, group: NodeGroup, seen: Sequence[Machine]) -> list[MachineSpec]:
    if group.deleting:
        return []
    gone = set(group.remove_nodes)
    mine = [m for m in seen if m.group == group.name]
    kept = sorted(m.index for m in mine if not gone & {m.name, m.id})[: group.node_count]
    taken = {m.index for m in mine} | set(kept)
    free = (index for index in range(len(taken) + group.node_count) if index not in taken)
    indexes = sorted(kept + [next(free) for _ in range(group.node_count - len(kept))])
    return [_spec(cluster, group, index) for index in indexes]


def _spec(cluster: Cluster, group: NodeGroup, index: int) -> MachineSpec:
    return MachineSpec(
        cluster_uuid=cluster.uuid,
        name=machine_name(cluster_slug(cluster.name, cluster.uuid), group.name, index),
        group=group.name,
        role=group.role,
        index=index,
        image_id=group.image_id,
        flavor_id=group.flavor_id,
        project_id=cluster.project_id,
        first=group.role is Role.CONTROL_PLANE and index == 0,
        server_type=cluster.shape.server_type,
        labels=group.labels,
    )
