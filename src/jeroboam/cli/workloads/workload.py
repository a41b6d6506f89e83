"""What runs, in words that fit every tool."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

NAME_LABEL = "app.kubernetes.io/name"  # Kubernetes' recommended labels, which other tools take as well
MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "jeroboam"


@dataclass(frozen=True)
class Replica:
    """One pod, task or system container. `ident` is what the tool's API wants; `note` why it does not run; what was never `started`
    has printed nothing."""

    name: str
    node: str = ""
    running: bool = False
    started: bool = True
    state: str = ""
    note: str = ""
    ports: tuple[str, ...] = ()
    ident: str = field(default="", repr=False)


@dataclass(frozen=True)
class Workload:
    """What one `run` made. `ports` are the addresses, on nodes, where it answers."""

    name: str
    image: str
    wanted: int
    replicas: tuple[Replica, ...] = ()

    @property
    def running(self) -> int:
        """How many replicas run."""
        return sum(replica.running for replica in self.replicas)

    @property
    def ready(self) -> bool:
        """All that was asked for runs."""
        return self.running >= self.wanted

    @property
    def ports(self) -> tuple[str, ...]:
        """Each address once."""
        return tuple(sorted({port for replica in self.replicas for port in replica.ports}))

    @property
    def note(self) -> str:
        """Why something does not run, the first reason that is known."""
        return next((f"{r.name}: {r.note}" for r in self.replicas if r.note and not r.running), "")

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        replicas = [{k: v for k, v in asdict(one).items() if k not in ("ident", "started")} for one in self.replicas]
        facts = {"name": self.name, "image": self.image, "wanted": self.wanted, "running": self.running}
        return {**facts, "ports": list(self.ports), "replicas": replicas}


@dataclass(frozen=True)
class Outcome:
    """How a program inside a replica ended."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
