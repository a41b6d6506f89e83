"""Members that step aside and come back, and secrets inside, against a swarm that is a handful of dictionaries behind HTTP."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from jeroboam.contracts import Machine, MachineState
from jeroboam.domain import OperationKind, Role
from jeroboam.domain.errors import CoeUnreachable, DeadlineExceeded
from jeroboam.drivers.swarm import aside, drain, inner
from jeroboam.drivers.swarm.engine import Engine

Json = dict[str, Any]


def machine(name: str) -> Machine:
    role = Role.CONTROL_PLANE if name.startswith("manager") else Role.WORKER
    return Machine(name, name, "c", "g", role, 0, MachineState.RUNNING)


DEAD = replace(machine("worker-0"), state=MachineState.STOPPED)


def member(name: str, *, leader: bool = False) -> Json:
    role = "manager" if name.startswith("manager") else "worker"
    node: Json = {
        "ID": f"id-{name}",
        "CreatedAt": "2026-01-01",
        "Version": {"Index": 1},
        "Description": {"Hostname": name},
        "Status": {"State": "ready"},
        "Spec": {"Role": role, "Availability": "active", "Labels": {"mine": "1"}},
    }
    if role == "manager":
        node["ManagerStatus"] = {"Reachability": "reachable", **({"Leader": True} if leader else {})}
    return node


@dataclass
class FakeSwarm:
    """Changes of role and availability have their effect at once; a leader that becomes a worker is followed by the next manager."""

    nodes: list[Json]
    tasks: dict[str, list[str]] = field(default_factory=dict)  # node id -> states of its tasks
    log: list[str] = field(default_factory=list)
    swarm: Json = field(default_factory=lambda: {"Version": {"Index": 7}, "Spec": {"Name": "default", "Labels": {}}})
    stopping: int = 0  # answers during which a task that is told to stop still runs
    rotating: int = 0  # answers during which the CA is still being replaced
    refuse_first: int = 0  # answers by one that is no manager
    unheard: dict[str, int] = field(default_factory=dict)  # node id -> answers before it is missed
    unmade: bool = False  # whether a manager became a worker: connections that are kept lead to it

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path.removeprefix("/v1.41"), request.url.params
        body = json.loads(request.content) if request.content else {}
        if path == "/nodes":
            kept = request.headers["connection"] != "close"
            if self.refuse_first or (self.unmade and kept):
                self.refuse_first = max(0, self.refuse_first - 1)
                return httpx.Response(503, json={"message": "This node is not a swarm manager."})
            self._miss()
            return httpx.Response(200, json=copy.deepcopy(self.nodes))
        if path == "/tasks":
            wanted = json.loads(query["filters"])
            assert list(wanted) == ["node"]
            states = self.tasks.get(wanted["node"][0], [])
            if self.stopping:
                self.stopping -= 1
                states = ["running", *states]
            return httpx.Response(200, json=[{"ServiceID": "s1", "Status": {"State": state}} for state in states])
        if path == "/swarm":
            self.rotating -= 1
            return httpx.Response(200, json={**self.swarm, "RootRotationInProgress": self.rotating >= 0})
        if path == "/swarm/update":
            return self._update_swarm(query, body)
        if request.method == "DELETE":
            return self._remove_node(path.split("/")[2])
        return self._update_node(path.split("/")[2], query, body)

    def _miss(self) -> None:
        for node in self.nodes:
            left = self.unheard.get(node["ID"])
            if left is not None:
                self.unheard[node["ID"]] = left - 1
                node["Status"] = {"State": "ready" if left > 0 else "down"}

    def _remove_node(self, ident: str) -> httpx.Response:
        node = next(one for one in self.nodes if one["ID"] == ident)
        if "ManagerStatus" in node:
            said = (
                f"node {ident} is a cluster manager and is a member of the raft cluster. It must be demoted to worker"
            )
            return httpx.Response(400, json={"message": said})
        self.nodes.remove(node)
        self.log.append(f"{ident} removed")
        return httpx.Response(200)

    def _update_swarm(self, query: Mapping[str, str], body: Json) -> httpx.Response:
        assert int(query["version"]) == self.swarm["Version"]["Index"]
        assert (query["rotateWorkerToken"], query["rotateManagerToken"]) == ("true", "true")
        self.swarm = {"Version": {"Index": self.swarm["Version"]["Index"] + 1}, "Spec": body}
        self.log.append("swarm")
        return httpx.Response(200)

    def _update_node(self, ident: str, query: Mapping[str, str], body: Json) -> httpx.Response:
        node = next(one for one in self.nodes if one["ID"] == ident)
        assert int(query["version"]) == node["Version"]["Index"]
        name, was = node["Description"]["Hostname"], node["Spec"]
        node["Version"]["Index"] += 1
        node["Spec"] = body
        if was["Availability"] != body["Availability"]:
            self.log.append(f"{name} {body['Availability']}")
            self.tasks[ident] = [] if body["Availability"] == "drain" else self.tasks.get(ident, [])
        if was["Role"] != body["Role"]:
            self.log.append(f"{name} {body['Role']}")
            self._change_role(node, body["Role"])
        return httpx.Response(200)

    def _change_role(self, node: Json, role: str) -> None:
        if role == "manager":
            node["ManagerStatus"] = {"Reachability": "reachable"}
            return
        led = node.pop("ManagerStatus").get("Leader")
        heir = next((one for one in self.nodes if "ManagerStatus" in one), None)
        if led and heir:
            heir["ManagerStatus"]["Leader"] = True
        self.refuse_first = 1
        self.unmade = True

    def engine(self) -> Engine:
        transport = httpx.MockTransport(self.answer)
        return Engine(httpx.AsyncClient(transport=transport, base_url="https://swarm"))

    def named(self, name: str) -> Json:
        return next(one for one in self.nodes if one["Description"]["Hostname"] == name)


def three() -> FakeSwarm:
    return FakeSwarm([member("manager-0", leader=True), member("manager-1"), member("manager-2"), member("worker-0")])


async def set_aside(swarm: FakeSwarm, name: str, *, limit_s: float = 10, role_change_s: float = 0) -> None:
    """Of managers that change their role at once, unless told otherwise."""
    await aside.set_aside(swarm.engine(), machine(name), limit_s=limit_s, role_change_s=role_change_s)


async def test_a_worker_is_drained_stays_a_member_and_comes_back_as_it_was() -> None:
    swarm = three()
    before = swarm.named("worker-0")["Spec"]
    await set_aside(swarm, "worker-0")
    assert swarm.named("worker-0")["Spec"]["Labels"] == {"mine": "1", "jeroboam.away": "active"}
    await set_aside(swarm, "worker-0")
    assert swarm.log == ["worker-0 drain"]
    assert await aside.take_back(swarm.engine(), [machine("worker-0")]) == "worker-0 takes up its work again"
    assert await aside.take_back(swarm.engine(), [machine("worker-0")]) == ""
    assert swarm.named("worker-0")["Spec"] == before


async def test_a_drained_node_waits_for_tasks_that_are_told_to_stop_and_run_still() -> None:
    swarm = three()
    swarm.stopping = 2
    swarm.tasks["id-worker-0"] = ["complete", "failed"]
    await set_aside(swarm, "worker-0")
    assert swarm.stopping == 0
    assert await aside.take_back(swarm.engine(), [machine("worker-0")])


async def test_a_node_that_the_tenant_paused_is_paused_afterwards_and_one_he_drained_stays_drained() -> None:
    for availability in ("pause", "drain"):
        swarm = three()
        swarm.named("worker-0")["Spec"]["Availability"] = availability
        await set_aside(swarm, "worker-0")
        assert swarm.named("worker-0")["Spec"]["Availability"] == "drain"
        assert await aside.take_back(swarm.engine(), [machine("worker-0")])
        assert swarm.named("worker-0")["Spec"]["Availability"] == availability


async def test_a_leader_hands_over_goes_as_a_worker_and_is_a_manager_again_when_it_is_back() -> None:
    swarm = three()
    await set_aside(swarm, "manager-0")
    assert swarm.log == ["manager-0 drain", "manager-0 worker"]
    leaders = [n["Description"]["Hostname"] for n in swarm.nodes if (n.get("ManagerStatus") or {}).get("Leader")]
    assert leaders == ["manager-1"]
    assert await aside.take_back(swarm.engine(), [machine("manager-0")]) == "manager-0 takes up its work again"
    assert swarm.log[2:] == ["manager-0 active", "manager-0 manager"]
    assert await aside.take_back(swarm.engine(), [machine("manager-0")]) == ""


async def test_a_leader_whose_handing_over_was_cut_off_is_waited_for_by_the_next_call() -> None:
    swarm = three()
    first = asyncio.create_task(set_aside(swarm, "manager-0", role_change_s=60))
    while swarm.log != ["manager-0 drain", "manager-0 worker"]:
        await asyncio.sleep(0.01)
    first.cancel()
    swarm.refuse_first = 0
    began = asyncio.get_running_loop().time()
    await set_aside(swarm, "manager-0", role_change_s=0.2)
    assert asyncio.get_running_loop().time() - began >= 0.2
    assert swarm.log == ["manager-0 drain", "manager-0 worker"]


@pytest.mark.parametrize("name", ["manager-1", "manager-2"])
async def test_a_manager_that_does_not_lead_keeps_its_voice(name: str) -> None:
    swarm = three()
    await set_aside(swarm, name)
    assert swarm.log == [f"{name} drain"]


async def test_the_only_manager_has_nobody_to_hand_over_to() -> None:
    swarm = FakeSwarm([member("manager-0", leader=True), member("worker-0")])
    await set_aside(swarm, "manager-0")
    assert swarm.log == ["manager-0 drain"]


async def test_the_next_one_waits_until_every_manager_is_reachable() -> None:
    swarm = three()
    swarm.named("manager-2")["ManagerStatus"]["Reachability"] = "unreachable"
    missing = await aside.take_back(swarm.engine(), [machine("manager-0")])
    assert missing == "manager-2 is not reachable as a manager yet"


async def test_nobody_waits_for_what_runs_on_a_machine_that_does_not_run() -> None:
    swarm = FakeSwarm(
        [member("manager-0", leader=True), member("worker-0")], {"id-worker-0": ["running"]}, stopping=10_000
    )
    swarm.unheard["id-worker-0"] = 0
    async with asyncio.timeout(5):
        await aside.set_aside(swarm.engine(), DEAD, limit_s=60, role_change_s=0)
    assert swarm.named("worker-0")["Spec"]["Availability"] == "drain"


async def test_a_machine_that_does_not_run_goes_when_its_swarm_misses_it() -> None:
    """Else the next of its name finds it ready still, and nobody strikes it off."""
    swarm = three()
    swarm.unheard["id-worker-0"] = 2
    await aside.set_aside(swarm.engine(), DEAD, limit_s=60, role_change_s=0)
    assert swarm.named("worker-0")["Status"]["State"] == "down"


async def test_a_machine_that_runs_again_meanwhile_is_looked_at_again() -> None:
    with pytest.raises(
        CoeUnreachable, match=r"worker-0 was seen not running, and the swarm calls it ready 0\.1 s later"
    ):
        await drain.missed(three().engine(), "id-worker-0", "worker-0", limit_s=0.1)


@pytest.mark.parametrize("state", [MachineState.RUNNING, MachineState.FAILED, MachineState.BUILDING])
async def test_what_may_still_run_is_waited_for(state: MachineState) -> None:
    swarm = FakeSwarm(
        [member("manager-0", leader=True), member("worker-0")], {"id-worker-0": ["running"]}, stopping=10_000
    )
    with pytest.raises(DeadlineExceeded):
        await aside.set_aside(swarm.engine(), replace(machine("worker-0"), state=state), limit_s=0.1, role_change_s=0)


async def test_tasks_that_do_not_leave_are_named_and_an_unknown_node_is_fine() -> None:
    swarm = three()
    await set_aside(swarm, "ghost")
    swarm.named("worker-0")["Spec"] |= {"Availability": "drain"}
    swarm.tasks["id-worker-0"] = ["running"]
    with pytest.raises(DeadlineExceeded, match=r"worker-0: 1 tasks did not leave within 0\.1 s; their services: s1"):
        await set_aside(swarm, "worker-0", limit_s=0.1)
    assert swarm.log == []


@pytest.mark.parametrize(("kind", "forced"), [(OperationKind.ROTATE_CREDENTIALS, None), (OperationKind.ROTATE_CA, 4)])
async def test_tokens_and_the_inner_ca_are_renewed_once_for_an_order(kind: OperationKind, forced: int | None) -> None:
    swarm = three()
    swarm.swarm["Spec"]["CAConfig"] = {"ForceRotate": 3, "NodeCertExpiry": 1}
    swarm.rotating = 1 if forced else 0
    said = [await inner.renew(swarm.engine(), kind, "op-1") for _ in range(3)]
    assert said[-1] == ""
    assert swarm.log == ["swarm"]
    assert swarm.swarm["Spec"]["Labels"] == {"jeroboam.renewed": "op-1"}
    assert swarm.swarm["Spec"]["CAConfig"] == {"ForceRotate": forced or 3, "NodeCertExpiry": 1}
    await inner.renew(swarm.engine(), kind, "op-2")
    assert swarm.log == ["swarm", "swarm"]


async def test_what_is_missing_is_told_while_nodes_renew_their_certificates() -> None:
    swarm = three()
    swarm.rotating = 5
    said = await inner.renew(swarm.engine(), OperationKind.ROTATE_CA, "op-1")
    assert said == "nodes still renew their certificates of the swarm's own CA"


async def test_one_that_is_no_manager_any_more_is_passed_over() -> None:
    swarm = three()
    swarm.refuse_first = 3
    assert len(await swarm.engine().nodes()) == 4


async def test_an_api_that_does_not_serve_is_asked_again_later() -> None:
    swarm = three()
    swarm.refuse_first = 100
    with pytest.raises(CoeUnreachable, match="not a swarm manager"):
        await aside.take_back(swarm.engine(), [machine("worker-0")])


def former(name: str) -> Json:
    """What a swarm keeps of a node that came back as another."""
    gone = {**member(name), "ID": f"former-{name}", "CreatedAt": "2025-12-31", "Status": {"State": "down"}}
    if "ManagerStatus" in gone:
        gone["ManagerStatus"] = {"Reachability": "unreachable"}
    return gone


async def test_the_former_self_of_a_node_that_came_back_without_its_state_is_struck_off() -> None:
    for name in ("worker-0", "manager-1"):
        swarm = three()
        swarm.nodes.insert(0, former(name))
        while await aside.take_back(swarm.engine(), [machine("manager-0"), machine(name)]):
            assert len(swarm.log) < 5
        demoted = [f"{name} worker"] if name == "manager-1" else []
        assert swarm.log == [*demoted, f"former-{name} removed"]
        assert [node["ID"] for node in swarm.nodes] == [node["ID"] for node in three().nodes]


async def test_a_former_self_that_is_not_missed_yet_is_waited_for() -> None:
    swarm = three()
    swarm.named("worker-0")["CreatedAt"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.123456789Z"
    swarm.nodes.insert(0, former("worker-0"))
    swarm.unheard["former-worker-0"] = 2
    told = []
    while missing := await aside.take_back(swarm.engine(), [machine("worker-0")]):
        told.append(missing)
    assert told == ["the former worker-0 is not missed yet"] * 2
    assert swarm.log == ["former-worker-0 removed"]


async def test_another_machine_of_the_same_name_is_left_alone() -> None:
    swarm = three()
    swarm.nodes.insert(0, former("worker-0") | {"Status": {"State": "ready"}})
    assert await aside.take_back(swarm.engine(), [machine("worker-0")]) == ""
    assert swarm.log == []


async def test_a_node_that_is_not_back_yet_is_not_struck_off() -> None:
    swarm = three()
    swarm.named("worker-0")["Status"]["State"] = "down"
    swarm.nodes.append(former("worker-0"))
    assert await aside.take_back(swarm.engine(), [machine("worker-0")]) == ""
    assert swarm.log == []
