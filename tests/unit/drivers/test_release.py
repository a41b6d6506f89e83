"""Nodes that are known to run nothing are struck off at once, all others are waited for: also those that die meanwhile, until then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from jeroboam.contracts import Machine, MachineState
from jeroboam.domain import Role
from jeroboam.domain.errors import DeadlineExceeded
from jeroboam.drivers.kubernetes import drain as kubernetes
from jeroboam.drivers.kubernetes.api import KubeApi
from jeroboam.drivers.live_api import Json
from jeroboam.drivers.lxd import evacuation as lxd
from jeroboam.drivers.lxd.api import LxdApi
from jeroboam.drivers.swarm import drain as swarm
from jeroboam.drivers.swarm.engine import Engine

_NODE = "worker-0"


@dataclass
class Tool:
    """A container tool that calls its node well for so many looks, and on which nothing moves by itself."""

    looks: int = 10_000
    held: bool = True  # something runs on the node
    log: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "DELETE":
            self.held = False
            self.log.append(f"struck off {path.rpartition('/')[2]}")
        return httpx.Response(200, json=self.seen(path))

    def well(self) -> bool:
        self.looks -= 1
        return self.looks >= 0

    def seen(self, path: str) -> Json | list[Json]:
        raise NotImplementedError

    async def release(self, client: httpx.AsyncClient, *, dead: bool, limit_s: float) -> None:
        raise NotImplementedError


class Kubernetes(Tool):
    def seen(self, path: str) -> Json:
        if path == "/api/v1/pods":
            pod = {"metadata": {"name": "web", "namespace": "default"}, "status": {"phase": "Running"}}
            return {"items": [pod] if self.held else []}
        return {"status": {"conditions": [{"type": "Ready", "status": "True" if self.well() else "Unknown"}]}}

    async def release(self, client: httpx.AsyncClient, *, dead: bool, limit_s: float) -> None:
        await kubernetes.release(KubeApi(client), _NODE, dead=dead, limit_s=limit_s)


class Swarm(Tool):
    def seen(self, path: str) -> Json | list[Json]:
        if path.endswith("/tasks"):
            return [{"ServiceID": "s1", "Status": {"State": "running"}}]
        state, spec = "ready" if self.well() else "down", {"Role": "worker", "Availability": "active"}
        node = {"ID": _NODE, "Version": {"Index": 1}, "Description": {"Hostname": _NODE}, "Spec": spec}
        return [{**node, "Status": {"State": state}}]

    async def release(self, client: httpx.AsyncClient, *, dead: bool, limit_s: float) -> None:
        await swarm.release(Engine(client), _NODE, dead=dead, limit_s=limit_s)


class Lxd(Tool):
    def seen(self, path: str) -> Json:
        if path == "/1.0/cluster/members":
            return {"metadata": [{"server_name": _NODE, "status": "Online" if self.well() else "Offline"}]}
        return {"operation": "/1.0/operations/1", "metadata": {"status_code": 103}}

    async def release(self, client: httpx.AsyncClient, *, dead: bool, limit_s: float) -> None:
        await lxd.release(LxdApi(client), _NODE, dead=dead, limit_s=limit_s)


class CutOff(Kubernetes):
    """The node is deleted; what a daemon set ran on it is not yet."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(404) if request.method == "PATCH" else super().answer(request)


def in_state(state: MachineState) -> Machine:
    return Machine(_NODE, _NODE, "c", "g", Role.WORKER, 0, state)


async def release(tool: Tool, state: MachineState, limit_s: float) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(tool.answer), base_url="https://tool") as client:
        await tool.release(client, dead=in_state(state).stands_still, limit_s=limit_s)


every_tool = pytest.mark.parametrize("make", [Kubernetes, Swarm, Lxd])


@every_tool
@pytest.mark.parametrize("state", [MachineState.STOPPED, MachineState.DELETING])
async def test_what_is_known_to_run_nothing_is_struck_off_though_it_is_still_called_well(
    make: Callable[[], Tool], state: MachineState
) -> None:
    tool = make()
    await release(tool, state, 60)
    assert tool.log[-1] == f"struck off {_NODE}"
    assert tool.looks > 9_990


@every_tool
@pytest.mark.parametrize("state", [MachineState.RUNNING, MachineState.FAILED, MachineState.BUILDING])
async def test_what_may_run_is_waited_for(make: Callable[[], Tool], state: MachineState) -> None:
    tool = make()
    with pytest.raises(DeadlineExceeded, match=_NODE):
        await release(tool, state, 0.05)
    assert tool.log == []


async def test_a_release_that_was_cut_after_its_node_strikes_off_what_was_on_it() -> None:
    tool = CutOff()
    await release(tool, MachineState.RUNNING, 60)
    assert tool.log == ["struck off web"]


@every_tool
async def test_what_its_tool_calls_away_meanwhile_is_waited_for_no_longer(make: type[Tool]) -> None:
    tool = make(looks=3)
    await release(tool, MachineState.RUNNING, 60)
    assert tool.log[-1] == f"struck off {_NODE}"


async def test_what_belonged_to_a_node_of_kubernetes_goes_with_it() -> None:
    """A node of the same name that joins at once would be taken for one on which it runs already."""
    tool = Kubernetes(held=False)
    agent = {
        "metadata": {"name": "kube-proxy-1", "namespace": "kube-system", "ownerReferences": [{"kind": "DaemonSet"}]},
        "status": {"phase": "Running"},
    }
    seen = tool.seen
    tool.seen = lambda path: {"items": [agent]} if path == "/api/v1/pods" else seen(path)  # type: ignore[method-assign]
    await release(tool, MachineState.RUNNING, 60)
    assert tool.log == [f"struck off {_NODE}", "struck off kube-proxy-1"]
