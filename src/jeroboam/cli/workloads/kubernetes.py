"""Workloads on Kubernetes: a Deployment, and a Service of type NodePort for a published port. Source: Kubernetes API v1.34.

In the namespace `default`. Pods are spread over nodes as far as that is possible.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import CliError
from ..wire import Json
from .kubernetes_exec import execute
from .patience import Patience
from .session import Session
from .wish import Wish
from .workload import MANAGED_BY, NAME_LABEL, OURS, Outcome, Replica, Workload

_CORE = "/api/v1/namespaces/default"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
_SELECTOR = f"{MANAGED_BY}={OURS}"


class Kubernetes:
    """Implements Tool."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, wish: Wish, timeout_s: float) -> str:
        self._session.post(_DEPLOYMENTS, deployment(wish))
        try:
            if wish.publish is not None:
                self._session.post(f"{_CORE}/services", service(wish))
        except CliError:
            self._session.delete(f"{_DEPLOYMENTS}/{wish.name}", propagationPolicy="Background")
            raise
        return ""

    def workloads(self) -> list[Workload]:
        pods = self._items(f"{_CORE}/pods")
        ports = {one["metadata"]["name"]: one["spec"].get("ports") or [] for one in self._items(f"{_CORE}/services")}
        addresses = self._addresses() if ports else {}
        found = []
        for one in self._items(_DEPLOYMENTS):
            name, spec = str(one["metadata"]["name"]), one["spec"]
            outside = [port["nodePort"] for port in ports.get(name, ()) if port.get("nodePort")]
            mine = [pod for pod in pods if (pod["metadata"].get("labels") or {}).get(NAME_LABEL) == name]
            image = spec["template"]["spec"]["containers"][0]["image"]
            replicas = tuple(_replica(pod, outside, addresses) for pod in mine)
            found.append(Workload(name, image, spec.get("replicas", 1), replicas))
        return found

    def logs(self, replica: Replica, tail: int | None) -> str:
        last = {} if tail is None else {"tailLines": str(tail)}
        return self._session.send("GET", f"{_CORE}/pods/{replica.ident}/log", params=last).text

    def exec(self, replica: Replica, argv: Sequence[str], timeout_s: float) -> Outcome:
        return execute(self._session, f"{_CORE}/pods/{replica.ident}/exec", argv, timeout_s)

    def stop(self, workload: Workload, timeout_s: float) -> None:
        self._session.delete(f"{_CORE}/services/{workload.name}")
        self._session.delete(f"{_DEPLOYMENTS}/{workload.name}", propagationPolicy="Foreground")
        patience = Patience(timeout_s)
        while self._left(workload.name):
            patience.pause(f"{workload.name} is being stopped, but is not gone")

    def _left(self, name: str) -> bool:
        """The Deployment itself goes last; pods that were asked to end have 30 s for it."""
        gone = self._session.send("GET", f"{_DEPLOYMENTS}/{name}", fine=(404,)).status_code == 404
        return not gone or bool(self._items(f"{_CORE}/pods", f"{_SELECTOR},{NAME_LABEL}={name}"))

    def _items(self, path: str, selector: str = _SELECTOR) -> list[Json]:
        return self._session.listed(path, "items", labelSelector=selector)

    def _addresses(self) -> dict[str, str]:
        """The address of each node, by name."""
        return {
            node["metadata"]["name"]: address["address"]
            for node in self._session.listed("/api/v1/nodes", "items")
            for address in node["status"].get("addresses", ())
            if address["type"] == "InternalIP"
        }


def deployment(wish: Wish) -> Json:
    """What is posted for it."""
    container: Json = {"name": wish.name, "image": wish.image, "imagePullPolicy": "IfNotPresent"}
    if wish.command:
        container["args"] = [_literal(word) for word in wish.command]
    if wish.env:
        container["env"] = [{"name": name, "value": _literal(value)} for name, value in wish.env.items()]
    if wish.publish:
        container["ports"] = [{"containerPort": wish.publish.inside}]
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "nodeTaintsPolicy": "Honor",  # the control plane, which takes no such pods, does not count
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {NAME_LABEL: wish.name}},
    }
    pod = {
        "metadata": {"labels": _labels(wish.name)},
        "spec": {"containers": [container], "topologySpreadConstraints": [spread]},
    }
    spec = {"replicas": wish.replicas, "selector": {"matchLabels": {NAME_LABEL: wish.name}}, "template": pod}
    metadata = {"name": wish.name, "labels": _labels(wish.name)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def service(wish: Wish) -> Json:
    """What is posted for its published port. Raises ValueError when there is none."""
    if wish.publish is None:
        raise ValueError(f"{wish.name} publishes nothing")
    port = {"port": wish.publish.inside, "targetPort": wish.publish.inside, "protocol": "TCP"}
    if wish.publish.outside is not None:
        port["nodePort"] = wish.publish.outside
    spec = {"type": "NodePort", "selector": {NAME_LABEL: wish.name}, "ports": [port]}
    metadata = {"name": wish.name, "labels": _labels(wish.name)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _labels(name: str) -> dict[str, str]:
    return {NAME_LABEL: name, MANAGED_BY: OURS}


def _literal(value: str) -> str:
    """Kubernetes would put the value of NAME in the place of $(NAME); `$$` is its way to write `$`."""
    return value.replace("$", "$$")


def _replica(pod: Json, ports: list[int], addresses: dict[str, str]) -> Replica:
    name, node = str(pod["metadata"]["name"]), str(pod["spec"].get("nodeName") or "")
    status = pod["status"]
    containers = status.get("containerStatuses") or []
    state, note = _state(pod)
    running = state == "Running" and bool(containers) and all(one.get("ready") for one in containers)
    places = tuple(f"{addresses[node]}:{port}" for port in ports) if running and node in addresses else ()
    started = any("running" in kinds or "terminated" in kinds for one in containers for kinds in _states(one))
    return Replica(name, node, running, started, state, note, places, ident=name)


def _states(container: Json) -> tuple[Json, Json]:
    return container.get("state") or {}, container.get("lastState") or {}


def _state(pod: Json) -> tuple[str, str]:
    """A word for it, and why it does not run as far as Kubernetes tells."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Stopping", ""
    status = pod["status"]
    for one in status.get("containerStatuses") or ():
        for kind in ("waiting", "terminated"):
            held = (one.get("state") or {}).get(kind)
            if held:
                said = held.get("message") or _last_end(one)
                return str(held.get("reason") or kind.capitalize()), " ".join(str(said).split())
    unmet = [c for c in status.get("conditions") or () if c["type"] == "PodScheduled" and c["status"] == "False"]
    if unmet:
        return str(unmet[0].get("reason") or "Pending"), " ".join(str(unmet[0].get("message") or "").split())
    return str(status.get("phase") or "Unknown"), ""


def _last_end(container: Json) -> str:
    ended = (container.get("lastState") or {}).get("terminated") or (container.get("state") or {}).get("terminated")
    return f"ended with exit code {ended.get('exitCode')}" if ended else ""
