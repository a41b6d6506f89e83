"""Workloads on LXD: system containers, as many as replicas were asked for, by its REST API. Source: LXD 5.0, doc/rest-api.md.

A system container boots its image's own init, so there is no command to give to it. A published port is a proxy device of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import CliError, Usage, WaitTimeout
from ..wire import Json, segment
from . import missing
from .lxd_operations import Operations, each
from .patience import Patience
from .session import Session
from .wish import Publish, Wish
from .workload import MANAGED_BY, NAME_LABEL, OURS, Outcome, Replica, Workload

_INSTANCES = "/1.0/instances"
_PORTS = range(30000, 32768)  # the same as Kubernetes chooses from
_DEVICE = "publish"
_IMAGE, _WANTED = "user.jeroboam.image", "user.jeroboam.replicas"
_RUNNING, _STOPPED = "Running", "Stopped"
_TAKE_BACK_S = 60.0


@dataclass(frozen=True)
class Placed:
    """One system container, before it is made. `port` is the member's, where one is published."""

    name: str
    member: str
    port: int | None


class Lxd:
    """Implements Tool."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._operations = Operations(session)

    def run(self, wish: Wish, timeout_s: float) -> str:
        if wish.command:
            raise Usage(
                f"LXD runs whole systems: a system container boots its own init, not {wish.command[0]!r}.",
                hint="Leave out the command; start programs in it with `jeroboam exec`.",
            )
        self._refuse_unknown_image(wish.image)
        placed = plan_placement(wish, self._members(), self._instances())
        patience = Patience(timeout_s)
        try:
            each(lambda one: self._make(wish, one, patience), placed)
        except CliError:
            self._take_back(placed)
            raise
        return ""

    def workloads(self) -> list[Workload]:
        addresses = {str(one["server_name"]): _host(str(one["url"])) for one in self._members()}
        groups: dict[str, list[Json]] = {}
        for one in self._instances():
            if one["config"].get(f"user.{MANAGED_BY}") == OURS:
                groups.setdefault(str(one["config"].get(f"user.{NAME_LABEL}")), []).append(one)
        return [_workload(name, found, addresses) for name, found in sorted(groups.items())]

    def logs(self, replica: Replica, tail: int | None) -> str:
        lines = self._session.send("GET", f"{_instance(replica.ident)}/console").text.splitlines(keepends=True)
        return "".join(lines if tail is None else lines[-tail:])

    def exec(self, replica: Replica, argv: Sequence[str], timeout_s: float) -> Outcome:
        wish = {"command": list(argv), "record-output": True, "wait-for-websocket": False, "interactive": False}
        begun = self._session.post(f"{_instance(replica.ident)}/exec", wish)
        patience = Patience(timeout_s)
        try:
            ended = self._operations.end(begun, patience, f"{argv[0]} goes on; it does not end")["metadata"]
        except WaitTimeout:
            raise
        except CliError as error:
            raise missing.of(error.message, argv[0]) or CliError(
                f"{argv[0]} could not be run. {error.message}"
            ) from None
        texts = {number: self._session.send("GET", path).content for number, path in ended.get("output", {}).items()}
        for path in ended.get("output", {}).values():
            self._session.delete(path)
        return Outcome(int(ended["return"]), texts.get("1", b""), texts.get("2", b""))

    def stop(self, workload: Workload, timeout_s: float) -> None:
        patience = Patience(timeout_s)
        each(lambda replica: self._remove(replica.ident, replica.state, patience), workload.replicas)

    def _make(self, wish: Wish, placed: Placed, patience: Patience) -> None:
        begun = self._session.post(_INSTANCES, instance(wish, placed), target=placed.member)
        self._operations.end(begun, patience, f"{placed.name} is not made")
        self._turn(placed.name, "start", patience)

    def _remove(self, name: str, state: str, patience: Patience) -> None:
        """By force: its init may not know how to end, and nothing of what goes is kept."""
        if state != _STOPPED:
            self._turn(name, "stop", patience)
        answer = self._session.delete(_instance(name))
        if answer.status_code != 404:
            self._operations.end(self._session.json(answer), patience, f"{name} is stopped, but not gone")

    def _turn(self, name: str, action: str, patience: Patience) -> None:
        body = {"action": action, "force": action == "stop", "timeout": 30}
        begun = self._session.json(self._session.send("PUT", f"{_instance(name)}/state", body=body))
        self._operations.end(begun, patience, f"{name}: {action} is not done")

    def _take_back(self, placed: Iterable[Placed]) -> None:
        """What was made of a run that failed, whatever state it is in."""
        names, patience = {one.name for one in placed}, Patience(_TAKE_BACK_S)
        there = [one for one in self._instances() if one["name"] in names]
        each(lambda one: self._remove(str(one["name"]), str(one["status"]), patience), there)

    def _refuse_unknown_image(self, image: str) -> None:
        found = self._session.listed("/1.0/images/aliases", "metadata", recursion="1")
        known = sorted(str(one["name"]) for one in found if one["type"] == "container")
        if image not in known:
            raise Usage(
                f"--image {image!r} is no image that {self._session.cluster} has.",
                hint=f"It has: {', '.join(known) or 'none'}. `jeroboam image load` brings others.",
            )

    def _members(self) -> list[Json]:
        return self._session.listed("/1.0/cluster/members", "metadata", recursion="1")

    def _instances(self) -> list[Json]:
        return self._session.listed(_INSTANCES, "metadata", recursion="2")


def plan_placement(wish: Wish, members: Sequence[Json], instances: Sequence[Json]) -> list[Placed]:
    """Each replica on the member that has the fewest, on a port of it that is free. Pure. Raises Usage when it cannot be."""
    load = Counter({str(one["server_name"]): 0 for one in members if one["status"] == "Online"})
    taken: dict[str, set[int]] = {name: set() for name in load}
    for one in instances:
        if one["location"] in load:
            load[one["location"]] += 1
            taken[one["location"]] |= set(_listening(one))
    placed = []
    for number in range(wish.replicas):
        port: int | None = None
        fit = [name for name in load if wish.publish is None or _free(wish.publish, taken[name]) is not None]
        if not fit:
            raise Usage(
                _no_port(wish, number, len(load)), hint="Leave the port to the tool, or ask for fewer replicas."
            )
        member = min(fit, key=lambda name: (load[name], name))
        if wish.publish is not None:
            port = _free(wish.publish, taken[member])
            taken[member].add(port or 0)
        load[member] += 1
        placed.append(Placed(f"{wish.name}-{number}", member, port))
    return placed


def instance(wish: Wish, placed: Placed) -> Json:
    """What is posted for one."""
    config = {f"user.{NAME_LABEL}": wish.name, f"user.{MANAGED_BY}": OURS}
    config |= {_IMAGE: wish.image, _WANTED: str(wish.replicas)}
    config |= {f"environment.{name}": value for name, value in wish.env.items()}
    made: Json = {"name": placed.name, "source": {"type": "image", "alias": wish.image}, "config": config}
    if wish.publish is not None:
        inside, outside = f"tcp:127.0.0.1:{wish.publish.inside}", f"tcp:0.0.0.0:{placed.port}"
        made["devices"] = {_DEVICE: {"type": "proxy", "listen": outside, "connect": inside}}
    return made


def _no_port(wish: Wish, number: int, members: int) -> str:
    if not members:
        return "No member of the cluster is online."
    port = wish.publish.outside if wish.publish else None
    return f"Port {port or 'of any number'} is free on {number} of {members} members, for {wish.replicas} replicas."


def _free(publish: Publish, taken: set[int]) -> int | None:
    wanted = _PORTS if publish.outside is None else (publish.outside,)
    return next((port for port in wanted if port not in taken), None)


def _listening(found: Json) -> list[int]:
    """Ports of its member that its proxy devices hold."""
    devices = (found.get("expanded_devices") or {}).values()
    ends = [str(one.get("listen")).rpartition(":")[2] for one in devices if one.get("type") == "proxy"]
    return [int(end) for end in ends if end.isdigit()]


def _workload(name: str, found: list[Json], addresses: dict[str, str]) -> Workload:
    config = found[0]["config"]
    wanted = str(config.get(_WANTED, len(found)))
    replicas = sorted((_replica(one, addresses) for one in found), key=lambda one: (len(one.name), one.name))
    return Workload(name, str(config.get(_IMAGE, "")), int(wanted) if wanted.isdigit() else len(found), tuple(replicas))


def _replica(found: Json, addresses: dict[str, str]) -> Replica:
    """It runs when it has an address: a system that has not come so far answers nobody."""
    name, member, state = str(found["name"]), str(found["location"]), str(found["status"])
    running = state == _RUNNING and _has_address(found)
    note = "no address yet" if state == _RUNNING and not running else ""
    ports = tuple(f"{addresses.get(member)}:{port}" for port in _listening(found)) if running else ()
    return Replica(name, member, running, state == _RUNNING, state, note, ports, ident=name)


def _has_address(found: Json) -> bool:
    network: dict[str, Any] = (found.get("state") or {}).get("network") or {}
    return any(one["scope"] == "global" for card in network.values() for one in card.get("addresses") or ())


def _instance(name: str) -> str:
    return f"{_INSTANCES}/{segment(name)}"


def _host(url: str) -> str:
    return url.partition("://")[2].rpartition(":")[0]
