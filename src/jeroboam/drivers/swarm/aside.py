"""A member that steps aside while its machine is made anew, and comes back as it was.

What it was stands in a label of its own, so any process can give it back. A leader is made a worker and comes back as one, to be
promoted then: that hands its lead over at once, where its sudden end would leave the swarm without a leader for 10 to 20 s. Promoted before
it goes, it would take a log with it that it had no time to fill, and find no other manager afterwards. Source: Docker Engine API v1.41;
swarmkit, manager/role_manager.go and node/node.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...contracts import Machine
from ...domain import Role
from ...domain.errors import CoeUnreachable, DeadlineExceeded
from ..live_api import Json
from .drain import LIMIT_S, emptied, missed
from .engine import Engine
from .health import is_ready, latest, name_of

AWAY = "jeroboam.away"  # a label whose value is the availability of before
_HANDOVER_S = 60.0
_ROLE_CHANGE_S = 20.0  # a manager waits 16 s to hear that it is none, then fetches the certificate that says so; nobody else can see it
_START_S = 10.0
_NEW_S = 60.0  # managers miss a node that is gone 15 s after its last word
_STARTING = frozenset({"new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting"})
_LOOK_S = 0.3


async def set_aside(
    engine: Engine, machine: Machine, *, limit_s: float = LIMIT_S, role_change_s: float = _ROLE_CHANGE_S
) -> None:
    """Drain, and hand over the lead. Repeatable; an unknown node is fine. Raises DeadlineExceeded, CoeUnreachable."""
    node = latest(await engine.nodes()).get(machine.name)
    if node is None:
        return
    labels = dict(node["Spec"].get("Labels") or {})
    labels.setdefault(AWAY, node["Spec"]["Availability"])
    await engine.update_node(node, {"Labels": labels, "Availability": "drain"})
    if is_ready(node) and machine.stands_still:
        await missed(engine, node["ID"], machine.name)  # what is ready afterwards is the next of its name
    elif is_ready(node):
        await emptied(engine, node["ID"], machine.name, limit_s=limit_s)
    await _hand_over(engine, machine, role_change_s)


async def take_back(engine: Engine, machines: Sequence[Machine]) -> str:
    """What is missing until the swarm is whole, or ""."""
    seen = await engine.nodes()
    nodes = latest(seen)
    for machine in machines:
        if left := await _strike_off([node for node in seen if name_of(node) == machine.name], nodes, engine):
            return left
        node = nodes.get(machine.name)
        spec = _returned(node, machine) if node else None
        if node and spec:
            await engine.update_node(node, spec)
            await _at_work(engine, node["ID"])
            return f"{machine.name} takes up its work again"
    managers = {name: node for name, node in nodes.items() if node["Spec"]["Role"] == "manager"}
    late = sorted(name for name, node in managers.items() if not _reachable(node) and is_ready(node))
    return f"{late[0]} is not reachable as a manager yet" if late else ""


async def _strike_off(namesakes: Sequence[Json], nodes: Mapping[str, Json], engine: Engine) -> str:
    """Former selves of a node whose machine came back without its state, and joined as another member: left in the swarm, a manager's
    counts for the majority for ever. What is missing, or ""."""
    for node in namesakes:
        name = name_of(node)
        if node["ID"] == nodes[name]["ID"] or not is_ready(nodes[name]):
            continue
        if is_ready(node):
            if _joined_just_now(nodes[name]):
                return f"the former {name} is not missed yet"
            continue  # somebody else's, of the same name
        if node["Spec"]["Role"] == "manager":
            await engine.update_node(node, {"Role": "worker"})
        if node.get("ManagerStatus"):  # until its voice is gone it cannot be struck off
            return f"the former {name} gives up its voice"
        await engine.remove_node(node["ID"])
    return ""


def _joined_just_now(node: Json) -> bool:
    """By its managers' clock, which may differ from ours."""
    joined = datetime.fromisoformat(node["CreatedAt"]).replace(tzinfo=UTC)
    return abs((datetime.now(UTC) - joined).total_seconds()) < _NEW_S


async def _at_work(engine: Engine, ident: str) -> None:
    """Give the node a moment to start what it gets back (global services), so that the next one does not go at the same time.
    What cannot start is no reason to wait longer."""
    ends = asyncio.get_running_loop().time() + _START_S
    starting = True
    while starting and asyncio.get_running_loop().time() < ends:
        await asyncio.sleep(_LOOK_S)
        starting = any(task["Status"]["State"] in _STARTING for task in await engine.tasks(ident))


def _returned(node: Json, machine: Machine) -> dict[str, Any] | None:
    """Its wish as it was before it stepped aside; None when it did not."""
    labels = dict(node["Spec"].get("Labels") or {})
    availability = labels.pop(AWAY, None)
    if availability is None:
        return None
    role = "manager" if machine.role is Role.CONTROL_PLANE else "worker"
    return {"Labels": labels, "Availability": availability, "Role": role}


async def _hand_over(engine: Engine, machine: Machine, role_change_s: float) -> None:
    """Another manager leads, and this one is none any more. Alone it has nobody to hand over to."""
    nodes = latest(await engine.nodes())
    node = nodes.get(machine.name)
    others = [other for other, one in nodes.items() if other != machine.name and _reachable(one)]
    if node is None or not others:
        return
    # Asked already: by a call that was cut off, nobody knows when.
    asked = machine.role is Role.CONTROL_PLANE and node["Spec"]["Role"] == "worker"
    if not asked and not _leads(node):
        return
    if not asked:
        await engine.update_node(node, {"Role": "worker"})
    await _given_up(engine, machine.name)
    await asyncio.sleep(role_change_s)


async def _given_up(engine: Engine, name: str) -> None:
    try:
        async with asyncio.timeout(_HANDOVER_S):
            seen = await _node(engine, name)
            while seen is None or seen.get("ManagerStatus"):
                await asyncio.sleep(_LOOK_S)
                seen = await _node(engine, name)
    except TimeoutError:
        raise DeadlineExceeded(
            f"{name} did not hand over the lead of the swarm within {_HANDOVER_S:g} s.",
            hint="Look at `docker node ls` on a manager; then retry.",
        ) from None


async def _node(engine: Engine, name: str) -> Json | None:
    """None while the balancer leads to the one that just is no manager."""
    try:
        return latest(await engine.nodes()).get(name)
    except CoeUnreachable:
        return None


def _reachable(node: Json) -> bool:
    return (node.get("ManagerStatus") or {}).get("Reachability") == "reachable"


def _leads(node: Json) -> bool:
    return bool((node.get("ManagerStatus") or {}).get("Leader"))
