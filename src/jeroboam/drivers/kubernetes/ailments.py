"""What ails a node or an add-on, read from what the API server says of it: in plain words, with whose move it is and which. Pure.

Source: Kubernetes v1.34, "Node Status", "Node-pressure Eviction", "Pod Lifecycle", "Kubernetes API health endpoints".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...contracts import Machine, MachineState
from ...domain.errors import ErrorClass
from ..live_api import Json


class Trouble(NamedTuple):
    """What is wrong, the next move, and whose it is."""

    reason: str
    hint: str
    move: ErrorClass = ErrorClass.OPERATOR


_SILENT = Trouble(
    "its kubelet has not reported since {since}: it keeps failing, or cannot reach the API",
    "Read the kubelet's words on that node (`journalctl -u kubelet`), or replace it: resize by its name, then back.",
)
_STOPPED = Trouble("its machine is {state}", "Start the machine again, or replace it: resize by its name, then back.")
_NOT_READY = (
    (
        r"NetworkPluginNotReady|cni (plugin|config)",
        Trouble(
            "its pods have no network: no CNI configuration is in /etc/cni/net.d",
            "Put the node image's CNI configuration back, or replace the node: resize by its name, then back.",
        ),
    ),
    (
        r"container runtime is down|PLEG is not healthy|runtime.*not ready",
        Trouble(
            "its container runtime does not answer", "Look at containerd on that node (`journalctl -u containerd`)."
        ),
    ),
)
_PRESSURES = {
    "DiskPressure": Trouble(
        "its disk is full: pods are evicted, and new ones go elsewhere (DiskPressure)",
        "Remove data that pods wrote to the node or images that none uses, or ask for nodes with larger disks.",
        ErrorClass.USER,
    ),
    "MemoryPressure": Trouble(
        "its memory is used up: pods are evicted, and new ones go elsewhere (MemoryPressure)",
        "Give the pods memory limits, or ask for more or larger nodes.",
        ErrorClass.USER,
    ),
    "PIDPressure": Trouble(
        "its processes are used up: pods are evicted, and new ones go elsewhere (PIDPressure)",
        "Find the pod that starts so many processes, or ask for more nodes.",
        ErrorClass.USER,
    ),
}
_PULLS = (
    (
        r"proxyconnect|proxy",
        Trouble("the proxy does not work", "Make a cluster of a template with another http_proxy.", ErrorClass.USER),
    ),
    (
        r"x509|certificate",
        Trouble(
            "the registry's certificate is of a CA that the nodes do not know",
            "Give the registry a certificate of a public CA, or use another registry.",
            ErrorClass.USER,
        ),
    ),
    (
        r"not found|manifest unknown",
        Trouble("the registry has no such image", "Correct the image's name.", ErrorClass.USER),
    ),
    (
        r"no such host|i/o timeout|refused|no route|unreachable|misbehaving|deadline exceeded",
        Trouble(
            "the registry is out of reach",
            "Nodes need a way to it (a proxy in the template, a route, DNS), or an image that is on them.",
        ),
    ),
)
_CRASHES = Trouble("it keeps failing{on}: {said}", "Read its log: `kubectl -n {namespace} logs {pod} --previous`.")
_NO_PLACE = Trouble("no node takes it: {said}", "Ask for more or larger nodes.", ErrorClass.USER)


def of_node(node: Json, machine: Machine | None) -> Trouble | None:
    """The first ailment of a node; None when it is well. `machine` is what the provider says of it."""
    conditions = {condition["type"]: condition for condition in node["status"].get("conditions", [])}
    ready = conditions.get("Ready")
    if ready is None:
        return Trouble("no condition yet", "")
    if ready["status"] == "True":
        found = [name for name in _PRESSURES if conditions.get(name, {}).get("status") == "True"]
        return _PRESSURES[found[0]] if found else None
    if machine is not None and machine.state not in (MachineState.RUNNING, MachineState.BUILDING):
        return _filled(_STOPPED, state=str(machine.state))
    said = str(ready.get("message", ""))
    if ready["status"] == "Unknown":
        return _filled(_SILENT, since=ready.get("lastHeartbeatTime") or "its start")
    known = next((ailment for pattern, ailment in _NOT_READY if re.search(pattern, said)), None)
    return known or Trouble(said or "NotReady", "")


def of_api(said: str) -> Trouble:
    """Of an API server whose /readyz names the checks that fail."""
    failed = re.findall(r"^\[-\](\S+)", said, re.MULTILINE)
    if any(name.startswith("etcd") for name in failed):
        return Trouble(
            "the API server is up, but etcd does not answer it: it has stopped, or lost its quorum",
            "Look at etcd on the control plane (`crictl ps -a`, disk and clock); nothing can be changed meanwhile.",
        )
    names = f": {', '.join(failed)}" if failed else ""
    return Trouble(f"the API server is not ready{names}", "", ErrorClass.TRANSIENT)


def of_pods(pods: Sequence[Json]) -> Trouble | None:
    """Why the first pod that does not run does not; None when none says why."""
    return next((found for pod in pods for found in _of_pod(pod)), None)


def _of_pod(pod: Json) -> Iterator[Trouble]:
    status, where = pod.get("status", {}), pod["spec"].get("nodeName", "")
    on = f" on {where}" if where else ""
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        waiting = container.get("state", {}).get("waiting") or {}
        reason, said = waiting.get("reason", ""), _one_line(waiting.get("message", ""))
        if reason in ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"):
            known = next((ailment for pattern, ailment in _PULLS if re.search(pattern, said)), None)
            why, hint, move = known or Trouble(said, "")
            yield Trouble(f"image {container['image']} cannot be pulled{on}: {why}", hint, move)
        elif reason == "CrashLoopBackOff":
            last = container.get("lastState", {}).get("terminated") or {}
            yield _filled(
                _CRASHES,
                on=on,
                said=_one_line(last.get("message", "")) or f"exit code {last.get('exitCode')}",
                namespace=pod["metadata"].get("namespace", ""),
                pod=pod["metadata"].get("name", ""),
            )
    for condition in status.get("conditions", ()):
        if condition.get("reason") == "Unschedulable":
            yield _filled(_NO_PLACE, said=_one_line(condition.get("message", "")))


def _filled(ailment: Trouble, **words: str) -> Trouble:
    return ailment._replace(reason=ailment.reason.format(**words), hint=ailment.hint.format(**words))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
