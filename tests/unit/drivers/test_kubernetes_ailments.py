"""What the API server says of a sick node or add-on, in words that tell the next move."""

from typing import Any

import pytest

from jeroboam.contracts import Machine, MachineState
from jeroboam.domain import Role
from jeroboam.domain.errors import ErrorClass
from jeroboam.drivers.kubernetes import ailments


def node(ready: str, message: str = "", **pressures: str) -> dict[str, Any]:
    heartbeat = "2026-01-02T03:04:05Z"
    conditions = [{"type": "Ready", "status": ready, "message": message, "lastHeartbeatTime": heartbeat}]
    conditions += [{"type": name, "status": status} for name, status in pressures.items()]
    return {"metadata": {"name": "w-1"}, "status": {"conditions": conditions}}


def machine(state: MachineState) -> Machine:
    return Machine("id", "w-1", "cluster", "workers", Role.WORKER, 1, state)


def pod(**container: Any) -> dict[str, Any]:
    status = {"containerStatuses": [{"name": "main", "image": "registry.example/a:1", **container}]}
    return {
        "metadata": {"name": "a-1", "namespace": "kube-system"},
        "spec": {"nodeName": "w-1"},
        "status": status,
    }


@pytest.mark.parametrize(
    ("seen", "state", "reason", "move"),
    [
        (node("True", DiskPressure="False"), MachineState.RUNNING, None, None),
        (node("True", DiskPressure="True"), MachineState.RUNNING, "its disk is full", ErrorClass.USER),
        (node("True", MemoryPressure="True"), MachineState.RUNNING, "its memory is used up", ErrorClass.USER),
        (node("True", PIDPressure="True"), MachineState.RUNNING, "its processes are used up", ErrorClass.USER),
        (
            node("False", "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"),
            MachineState.RUNNING,
            "its pods have no network",
            ErrorClass.OPERATOR,
        ),
        (
            node("False", "[container runtime is down, PLEG is not healthy]"),
            MachineState.RUNNING,
            "its container runtime does not answer",
            ErrorClass.OPERATOR,
        ),
        (node("Unknown"), MachineState.RUNNING, "its kubelet has not reported since 2026-01-02T03:04:05Z", None),
        (node("Unknown"), MachineState.STOPPED, "its machine is stopped", ErrorClass.OPERATOR),
        (node("False", "something new"), MachineState.RUNNING, "something new", ErrorClass.OPERATOR),
    ],
)
def test_a_node(seen: dict[str, Any], state: MachineState, reason: str | None, move: ErrorClass | None) -> None:
    found = ailments.of_node(seen, machine(state))
    if reason is None:
        assert found is None
        return
    assert found is not None
    assert found.reason.startswith(reason)
    assert move in (None, found.move)


def test_a_node_without_conditions_is_not_well() -> None:
    assert ailments.of_node({"metadata": {}, "status": {}}, None) == ailments.Trouble("no condition yet", "")


def test_a_server_without_etcd_and_one_that_only_starts() -> None:
    found = ailments.of_api("[+]ping ok\n[-]etcd failed: reason withheld\n[-]etcd-readiness failed: reason withheld\n")
    assert (found.reason.partition(":")[0], found.move) == (
        "the API server is up, but etcd does not answer it",
        ErrorClass.OPERATOR,
    )
    starting = ailments.of_api("[+]ping ok\n[-]poststarthook/rbac/bootstrap-roles failed: not finished\n")
    assert (starting.reason, starting.move) == (
        "the API server is not ready: poststarthook/rbac/bootstrap-roles",
        ErrorClass.TRANSIENT,
    )


def waiting(reason: str, message: str) -> dict[str, Any]:
    return pod(state={"waiting": {"reason": reason, "message": message}})


@pytest.mark.parametrize(
    ("said", "why", "move"),
    [
        ("dial tcp: lookup registry.example: no such host", "the registry is out of reach", ErrorClass.OPERATOR),
        ("proxyconnect tcp: dial tcp 127.0.0.1:9: connect: refused", "the proxy does not work", ErrorClass.USER),
        ("tls: failed to verify certificate: x509: unknown authority", "the registry's certificate", ErrorClass.USER),
        ("registry.example/a:1: not found", "the registry has no such image", ErrorClass.USER),
        ("something new", "something new", ErrorClass.OPERATOR),
    ],
)
def test_an_image_that_cannot_be_pulled(said: str, why: str, move: ErrorClass) -> None:
    found = ailments.of_pods([waiting("ImagePullBackOff", said)])
    assert found is not None
    assert found.reason.startswith(f"image registry.example/a:1 cannot be pulled on w-1: {why}")
    assert found.move is move


def test_a_pod_that_keeps_failing_says_its_last_words() -> None:
    last = {"terminated": {"exitCode": 3, "message": "no config\n"}}
    found = ailments.of_pods([pod(), pod(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=last)])
    assert found == ailments.Trouble(
        "it keeps failing on w-1: no config", "Read its log: `kubectl -n kube-system logs a-1 --previous`."
    )


def test_a_pod_without_a_place() -> None:
    homeless = {"metadata": {}, "spec": {}, "status": {"conditions": [{"reason": "Unschedulable", "message": "0/1"}]}}
    assert ailments.of_pods([homeless]) == ailments.Trouble(
        "no node takes it: 0/1", "Ask for more or larger nodes.", ErrorClass.USER
    )
    assert ailments.of_pods([pod(state={"running": {}})]) is None
