"""Images on Swarm: one manager's engine gets the archive over its API; the other nodes fetch it from there, inside the cluster.

Only managers serve the Docker API. So a job on that manager offers the images for as long as it takes, and a job on each other node
fetches them: containers of an image that every node has, with the node's own programs, its engine's socket and the certificate by which
it joined bound in. Whoever may ask a manager for services may do that. All jobs are removed in the end; those of a program that was killed
are removed by the next load. Source: Docker Engine API v1.41 (images/load, ReplicatedJob).
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import resources

from ..errors import CliError
from ..wire import Json, segment
from ..workloads.docker_streams import demultiplexed
from ..workloads.patience import Patience
from ..workloads.session import Session
from ..workloads.swarm import API, OVER
from ..workloads.swarm_job import job
from ..workloads.workload import MANAGED_BY
from . import BY, LOADED, PRESENT, Bring, Node, Tell, Telling
from .archive import Archive, write_docker
from .slim import of_chains, slimming

_HELPER = "jeroboam.local/hello:1"  # came with the node image
_IDENTITY = "/etc/jeroboam/join"
_UNTIL = "jeroboam.load.until"
_GROUP = "jeroboam.group"
_PORTS = range(20000, 30000)
_CAME = re.compile(rb"^([0-9]+) bytes", re.MULTILINE)
_SPARE_S = 30


class _Refused(CliError):
    """An engine has read an archive and does not take it."""


@dataclass
class _Offer:
    """The images on a manager, for other nodes to fetch; begun when the first wants them."""

    name: str
    source: Node
    port: int
    names: tuple[str, ...]
    begun: bool = False
    stands: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class SwarmNodes:
    """Implements Nodes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def nodes(self) -> list[Node]:
        found = [_node(one) for one in self._session.listed(f"{API}/nodes")]
        return sorted(found, key=lambda node: node.name)

    @contextmanager
    def bringing(self, archive: Archive, patience: Patience, telling: Telling) -> Iterator[Bring]:
        self._sweep()
        source, state = self._to_a_manager(archive, patience, telling)
        run = secrets.token_hex(4)
        offer = _Offer(f"{BY}-{run}-offer", source, secrets.choice(_PORTS), archive.names)

        def bring(node: Node, told: Tell) -> str:
            if node.ident == source.ident:
                return state
            self._have_offered(offer, patience)
            return self._fetch(f"{BY}-{run}-{node.ident[:12]}", node, offer, archive, patience.afresh(), told)

        try:
            yield bring
        finally:
            if offer.begun:
                self._session.delete(f"{API}/services/{offer.name}")

    def _have_offered(self, offer: _Offer, patience: Patience) -> None:
        """By the first who asks for it."""
        with offer.lock:
            if not offer.begun:
                offer.begun = True
                words = (str(offer.port), str(int(patience.left_s) + _SPARE_S), *offer.names)
                self._start(offer.name, offer.source, "offer", words, patience)
            waiting = patience.afresh()
            while not offer.stands:
                status, said = self._look(offer.name)
                if status and status["State"] in OVER:
                    raise CliError(f"The manager {offer.source.name} could not offer the image: {_why(status, said)}")
                offer.stands = b"offered" in said
                if not offer.stands:
                    waiting.pause(f"the manager {offer.source.name} does not offer the image")

    def _to_a_manager(self, archive: Archive, patience: Patience, telling: Telling) -> tuple[Node, str]:
        """The manager that has it now. Calls one right after the other go over one connection, hence to one manager, also behind a
        balancer."""
        ident = self._own_id()
        state = PRESENT if self._has_all(archive) else LOADED
        if state == LOADED:
            with telling("upload to a manager") as tell, slimming(archive, write_docker) as slim:
                ident = self._upload_missing(archive, slim(of_chains(archive, self._chains())), patience, tell)
        if self._own_id() != ident or not self._has_all(archive):
            raise CliError("Another manager answers than before the upload.", hint="Run it again.")
        return next(node for node in self.nodes() if node.ident == ident), state

    def _chains(self) -> list[list[str]]:
        """The layers of each image that the manager has."""
        idents = {str(one["Id"]) for one in self._session.listed(f"{API}/images/json")}
        found = [self._session.send("GET", f"{API}/images/{segment(ident)}/json", fine=(404,)) for ident in idents]
        facts = [self._session.json(answer) for answer in found if answer.status_code == 200]
        return [(one.get("RootFS") or {}).get("Layers") or [] for one in facts]

    def _upload_missing(self, archive: Archive, less: Archive, patience: Patience, tell: Tell) -> str:
        """Without the layers that the manager has; whole when its engine wants them all the same. The id of the manager."""
        if less is not archive:
            with suppress(_Refused):
                return self._upload(less, patience, tell)
        return self._upload(archive, patience, tell)

    def _upload(self, archive: Archive, patience: Patience, tell: Tell) -> str:
        def pieces() -> Iterator[bytes]:
            for piece in archive.pieces():
                tell(more=len(piece))
                yield piece

        tell(total=archive.size)
        ident = self._own_id()
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(archive.size)}
        answer = self._session.upload(f"{API}/images/load", pieces(), headers, timeout_s=patience.left_s)
        for line in answer.content.splitlines():
            said = json.loads(line) if line.startswith(b"{") else {}
            if said.get("error"):
                raise _Refused(f"The manager's engine refuses the image: {' '.join(str(said['error']).split())}")
        return ident

    def _has_all(self, archive: Archive) -> bool:
        return all(self._has(name, image) for name, image in archive.pairs)

    def _has(self, name: str, ident: str) -> bool:
        answer = self._session.send("GET", f"{API}/images/{segment(name)}/json", fine=(404,))
        return answer.status_code == 200 and self._session.json(answer).get("Id") == ident

    def _own_id(self) -> str:
        return str(self._session.get(f"{API}/info")["Swarm"]["NodeID"])

    def _fetch(self, name: str, node: Node, offer: _Offer, archive: Archive, patience: Patience, tell: Tell) -> str:
        words = (offer.source.address, str(offer.port), *(word for pair in archive.pairs for word in pair))
        tell(note="starting a helper")
        self._start(name, node, "engine", words, patience)
        came = 0
        try:
            while True:
                status, said = self._look(name)
                now = max((int(count) for count in _CAME.findall(said)), default=came)
                tell(more=max(0, now - came), note="" if now else None)
                came = max(now, came)
                if status and status["State"] in OVER:
                    return _outcome(status, said)
                patience.pause(f"{node.name} has not got all")
        finally:
            self._session.delete(f"{API}/services/{name}")

    def _start(self, name: str, node: Node, script: str, words: Sequence[str], patience: Patience) -> None:
        text = (resources.files(__package__) / "scripts" / f"{script}.sh").read_text()
        until = {_UNTIL: str(int(time.time() + patience.left_s) + _SPARE_S)}
        command = ("/usr/bin/sh", "-c", text, BY, *words)
        wish = job(name, node.ident, _HELPER, command, by=BY, labels=until, folders=(_IDENTITY,), host_network=True)
        self._session.post(f"{API}/services/create", wish)

    def _look(self, name: str) -> tuple[Json | None, bytes]:
        """The status of a job's task and what it has printed."""
        tasks = self._session.listed(f"{API}/tasks", filters=json.dumps({"service": [name]}))
        if not tasks:
            return None, b""
        answer = self._session.send(
            "GET", f"{API}/services/{name}/logs", params={"stdout": "1", "stderr": "1"}, fine=(404, 500)
        )
        said = b"".join(part for _, part in demultiplexed(answer.content)) if answer.status_code == 200 else b""
        return tasks[0]["Status"], said

    def _sweep(self) -> None:
        """Jobs of loads that were killed."""
        wanted = json.dumps({"label": [f"{MANAGED_BY}={BY}"]})
        for one in self._session.listed(f"{API}/services", filters=wanted):
            until = str(one["Spec"]["Labels"].get(_UNTIL, "0"))
            if not until.isdigit() or int(until) < time.time():
                self._session.delete(f"{API}/services/{one['ID']}")


def _node(found: Json) -> Node:
    about, status = found["Description"], found["Status"]
    why = "" if status["State"] == "ready" else f"the node is {status['State']}"
    if not why and found["Spec"]["Availability"] == "drain":
        why = "the node is drained: no job of Swarm may run there"
    return Node(
        str(about["Hostname"]),
        str((found["Spec"].get("Labels") or {}).get(_GROUP) or ""),
        str((about.get("Platform") or {}).get("Architecture") or ""),
        why,
        ident=str(found["ID"]),
        address=str(status.get("Addr") or ""),
    )


def _outcome(status: Json, said: bytes) -> str:
    words = said.decode(errors="replace").split()
    if status["State"] == "complete" and words and words[-1] in (LOADED, PRESENT):
        return words[-1]
    raise CliError(_why(status, said))


def _why(status: Json, said: bytes) -> str:
    """What it said last, besides its counting; else what Swarm says of it."""
    lines = [" ".join(line.split()) for line in said.decode(errors="replace").splitlines()]
    own = [line for line in lines if line and not re.match(r"[0-9]+(\+[0-9]+)? (bytes|records)", line)]
    return own[-1] if own else " ".join(str(status.get("Err") or status["State"]).split())
