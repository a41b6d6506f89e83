"""Workloads on Swarm: a replicated service by the Docker API of a manager. Source: Docker Engine API v1.41.

Ports are published in host mode, on the nodes that have a replica: the routing mesh wants IPVS, which not every kernel has and which no
manager can be asked about.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..errors import Usage
from ..wire import Json, segment
from .docker_streams import demultiplexed
from .patience import Patience
from .session import Session
from .swarm_exec import execute
from .wish import Wish
from .workload import MANAGED_BY, NAME_LABEL, OURS, Outcome, Replica, Workload

API = "/v1.41"
OVER = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")
_IMAGE = "jeroboam.image"
_NOBODYS = "jeroboam.local/"
_BY_ID = "{image} came from no registry: nodes take it by its id, and ask none for it."
_PUBLISHED = "Port {port} is open on nodes that have a replica, and only there (host mode: no routing mesh is needed)."


class Swarm:
    """Implements Tool."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, wish: Wish, timeout_s: float) -> str:
        if wish.publish is not None and wish.publish.outside is not None:
            self._refuse_more_than_nodes(wish)
        ident = self._ident_of_loaded(wish.image)
        self._session.post(f"{API}/services/create", service(wish, ident))
        notes = [_BY_ID.format(image=wish.image)] if ident else []
        notes += [_PUBLISHED.format(port=wish.publish.inside)] if wish.publish else []
        return "\n".join(notes)

    def workloads(self) -> list[Workload]:
        nodes = {node["ID"]: node for node in self._session.listed(f"{API}/nodes")}
        tasks = self._tasks({"label": [f"{MANAGED_BY}={OURS}"]})
        found = []
        for one in self._session.listed(f"{API}/services", filters=json.dumps({"label": [f"{MANAGED_BY}={OURS}"]})):
            spec = one["Spec"]
            name, wanted = str(spec["Name"]), spec["Mode"].get("Replicated", {}).get("Replicas", 1)
            mine = _slots([task for task in tasks if task["ServiceID"] == one["ID"]])
            image = spec["Labels"].get(_IMAGE) or spec["TaskTemplate"]["ContainerSpec"]["Image"]
            found.append(Workload(name, image, wanted, tuple(_replica(name, slot, nodes) for slot in mine)))
        return sorted(found, key=lambda workload: workload.name)

    def logs(self, replica: Replica, tail: int | None) -> str:
        params = {"stdout": "1", "stderr": "1", "tail": "all" if tail is None else str(tail)}
        answer = self._session.send("GET", f"{API}/tasks/{replica.ident}/logs", params=params)
        return b"".join(part for _, part in demultiplexed(answer.content)).decode(errors="replace")

    def exec(self, replica: Replica, argv: Sequence[str], timeout_s: float) -> Outcome:
        return execute(self._session, self._session.get(f"{API}/tasks/{replica.ident}"), argv, timeout_s)

    def stop(self, workload: Workload, timeout_s: float) -> None:
        self._session.delete(f"{API}/services/{workload.name}")
        patience = Patience(timeout_s)
        while any(task["Status"]["State"] not in OVER for task in self._tasks({"name": [f"{workload.name}."]})):
            patience.pause(f"{workload.name} is being stopped, but is not gone")

    def _ident_of_loaded(self, image: str) -> str:
        """The id of an image that a manager has from no registry, "" for others. Swarm asks a registry for a name whenever a task starts,
        and would take a stranger's image of that name. The domain jeroboam.local is nobody's, and those images differ from node image
        to node image."""
        if image.startswith((_NOBODYS, "sha256:")):
            return ""
        answer = self._session.send("GET", f"{API}/images/{segment(image)}/json", fine=(400, 404))
        found = self._session.json(answer) if answer.status_code == 200 else {}
        return "" if found.get("RepoDigests") else str(found.get("Id") or "")

    def _tasks(self, wanted: Json) -> list[Json]:
        return self._session.listed(f"{API}/tasks", filters=json.dumps(wanted))

    def _refuse_more_than_nodes(self, wish: Wish) -> None:
        """A fixed port of a node is there once."""
        usable = [node for node in self._session.listed(f"{API}/nodes") if _usable(node)]
        if wish.replicas > len(usable):
            raise Usage(
                f"--replicas {wish.replicas} cannot all have port {wish.publish.outside if wish.publish else 0} of a "
                f"node: Swarm publishes in host mode, and {len(usable)} nodes take workloads.",
                hint="Leave the node's port to the tool (--publish PORT), or ask for fewer replicas.",
            )


def service(wish: Wish, ident: str = "") -> Json:
    """What is posted for it; `ident` goes before the image's name."""
    container: Json = {"Image": ident or wish.image, "Labels": _labels(wish.name)}
    if wish.command:
        container["Args"] = list(wish.command)
    if wish.env:
        container["Env"] = [f"{name}={_literal(value)}" for name, value in wish.env.items()]
    made: Json = {
        "Name": wish.name,
        "Labels": _labels(wish.name) | ({_IMAGE: wish.image} if ident else {}),
        "TaskTemplate": {"ContainerSpec": container, "RestartPolicy": {"Condition": "any"}},
        "Mode": {"Replicated": {"Replicas": wish.replicas}},
        "EndpointSpec": {"Mode": "dnsrr"},  # virtual addresses want IPVS as well
    }
    if wish.publish is not None:
        port: Json = {"Protocol": "tcp", "TargetPort": wish.publish.inside, "PublishMode": "host"}
        if wish.publish.outside is not None:
            port["PublishedPort"] = wish.publish.outside
        made["EndpointSpec"]["Ports"] = [port]
    return made


def _labels(name: str) -> dict[str, str]:
    return {NAME_LABEL: name, MANAGED_BY: OURS}


def _literal(value: str) -> str:
    """Swarm reads `{{...}}` in a value as a template; this is how a template says the two braces."""
    return value.replace("{{", '{{"{{"}}')


def _usable(node: Json) -> bool:
    return bool(node["Status"]["State"] == "ready" and node["Spec"]["Availability"] == "active")


def _slots(tasks: list[Json]) -> list[list[Json]]:
    """The tasks of each slot, newest first; Swarm keeps former ones for a look at them."""
    slots: dict[int, list[Json]] = {}
    for task in sorted(tasks, key=lambda task: str(task["CreatedAt"]), reverse=True):
        slots.setdefault(int(task.get("Slot") or 0), []).append(task)
    return [slots[slot] for slot in sorted(slots)]


def _replica(name: str, tasks: list[Json], nodes: dict[str, Json]) -> Replica:
    """As its newest task is. What it printed, and why it does not run, is known of the newest task that has come so far."""
    newest, last_started = tasks[0], next((task for task in tasks if _container(task)), None)
    status, node = newest["Status"], nodes.get(newest.get("NodeID") or "", {})
    state = str(status["State"])
    running = state == "running" and newest["DesiredState"] == "running"
    note = "" if running else _why(tasks)
    host = str((node.get("Description") or {}).get("Hostname") or "")
    ports = tuple(_ports(status, node)) if running else ()
    ident = str((last_started or newest)["ID"])
    called = f"{name}.{newest.get('Slot', 0)}"
    return Replica(called, host, running, last_started is not None, state, " ".join(note.split()), ports, ident)


def _why(tasks: list[Json]) -> str:
    """The newest error, or that the program ends by itself."""
    for task in tasks:
        if task["Status"].get("Err"):
            return str(task["Status"]["Err"])
        if task["Status"]["State"] == "complete":
            return "ended with exit code 0"
    return ""


def _container(task: Json) -> str:
    return str((task["Status"].get("ContainerStatus") or {}).get("ContainerID") or "")


def _ports(status: Json, node: Json) -> list[str]:
    address: Any = (node.get("Status") or {}).get("Addr")
    published = (status.get("PortStatus") or {}).get("Ports") or ()
    return [f"{address}:{port['PublishedPort']}" for port in published if address and port.get("PublishedPort")]
