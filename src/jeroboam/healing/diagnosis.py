"""Which nodes are not well: the wish and the ledger against what provider and cluster show. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from ..contracts import CoeHealth, Machine, MachineState
from ..domain import Ailing, Ailment, Cluster, NodeGroup, cluster_slug, machine_name


def diagnose(
    cluster: Cluster,
    groups: Sequence[NodeGroup],
    recorded: Collection[str],
    machines: Sequence[Machine],
    health: CoeHealth | None,
    now: datetime,
) -> dict[str, Ailing]:
    """The nodes that are not well. `recorded` are the machines of the ledger, `health` what the live cluster says, None while it is
    not to be asked."""
    there = [machine for machine in machines if machine.state is not MachineState.DELETING]
    found = {name: one for group in groups for name, one in _gone(cluster, group, recorded, there, now).items()}
    found |= {
        m.name: _ailing(m, Ailment.STOPPED, m.detail or f"its machine is {m.state}", now)
        for m in there
        if m.state is not MachineState.RUNNING
    }
    said = {node.name: node for node in health.nodes} if health and health.api_ok else {}
    for machine in there:
        node = said.get(machine.name)
        if node and not node.ready and machine.name not in found:
            found[machine.name] = _ailing(machine, Ailment.NOT_READY, node.reason or "it is not ready", now)
    return found


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
