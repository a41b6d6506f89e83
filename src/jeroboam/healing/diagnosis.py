"""Which nodes are not well: the wish and the ledger against what provider and cluster show. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from ..contracts import CoeHealth, Machine, MachineState, NodeHealth
from ..domain import Ailing, Ailment, Cluster, NodeGroup, cluster_slug, machine_name


def diagnose(
    cluster: Cluster,
    groups: Sequence[NodeGroup],
    recorded: Collection[str],
    machines: Sequence[Machine],
    health: CoeHealth | None,
    now: datetime,
    boot: timedelta = timedelta(minutes=15),
) -> dict[str, Ailing]:
    """The nodes that are not well. `recorded` are the machines of the ledger, `health` what the live cluster says, None while it is
    not to be asked. For so long as `boot` a new machine may be building."""
    there = [machine for machine in machines if machine.state is not MachineState.DELETING]
    wished = [
        group for group in groups if not group.deleting
    ]  # a deletion that failed half-way took its machines on purpose
    found = {name: one for group in wished for name, one in _gone(cluster, group, recorded, there, now).items()}
    said = {node.name: node for node in health.nodes} if health and health.api_ok else {}
    for machine in there:
        if not _is_new(machine, now, boot) and (ails := _what_ails(machine, said.get(machine.name))):
            found[machine.name] = _ailing(machine, *ails, now)
    return found


def _is_new(machine: Machine, now: datetime, boot: timedelta) -> bool:
    """Building, and not for long."""
    made = machine.created_at
    return machine.state is MachineState.BUILDING and made is not None and now - made < boot


def _what_ails(machine: Machine, node: NodeHealth | None) -> tuple[Ailment, str] | None:
    """And why. A machine that failed or is not finished may well run: its cluster knows."""
    if machine.state is MachineState.STOPPED:
        return Ailment.STOPPED, machine.detail or "its machine is stopped"
    detail = f": {machine.detail}" if machine.detail else ""
    called = "" if machine.state is MachineState.RUNNING else f"its machine is {machine.state}{detail}"
    if node is not None and node.ready:
        return (Ailment.FAILED, called) if called else None
    if node is not None and node.undecided and not called:
        return None
    reasons = [why for why in (called, node.reason if node else "") if why]
    return (Ailment.NOT_READY, "; ".join(reasons) or "it is not ready") if called or node else None


def _gone(
    cluster: Cluster, group: NodeGroup, recorded: Collection[str], there: Sequence[Machine], now: datetime
) -> dict[str, Ailing]:
    """Machines of the ledger that are away, as many as the group is short of: a wish that came to nothing leaves rows, too."""
    mine = {machine.name for machine in there if machine.group == group.name}
    prefix = machine_name(cluster_slug(cluster.name, cluster.uuid), group.name, 0)[:-1]
    away = sorted((int(i), name) for name in {*recorded} - mine if (i := _index(name, prefix)))
    return {
        name: Ailing(name, group.name, group.role, index, Ailment.GONE, "its machine is gone", now)
        for index, name in away[: max(0, group.node_count - len(mine))]
    }


def _index(name: str, prefix: str) -> str:
    """The number at the end of the name of a machine of this prefix, else ""."""
    number = name.removeprefix(prefix)
    return number if number != name and number.isascii() and number.isdecimal() else ""


def _ailing(machine: Machine, ailment: Ailment, why: str, now: datetime) -> Ailing:
    return Ailing(machine.name, machine.group, machine.role, machine.index, ailment, why, now)
