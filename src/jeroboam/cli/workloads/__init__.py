"""The same words on every container tool: run, ps, logs, exec, stop, each by the tool's own API with the user's own certificate.

`Tool` is the contract; a module a tool implements it. What they make is the tool's own kind of thing (Deployment and Service, Swarm
service, LXD instances) with the labels that say so, hence its native client sees and changes it as anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from .wish import Publish, Wish
from .workload import MANAGED_BY, NAME_LABEL, OURS, Outcome, Replica, Workload

if TYPE_CHECKING:
    from ..access import Access
    from .session import Session

__all__ = [
    "MANAGED_BY",
    "NAME_LABEL",
    "OURS",
    "Outcome",
    "Publish",
    "Replica",
    "Tool",
    "Wish",
    "Workload",
    "entered",
    "session_of",
]


class Tool(Protocol):
    """One live cluster. All methods raise Unreachable, and Refused with the tool's own words when it says no."""

    def run(self, wish: Wish, timeout_s: float) -> str:
        """Have it run, from one call or not at all; returns what the user should know about how it was done, "" for nothing.

        Raises Usage for a wish that this tool cannot fulfil, naming what it can.
        """

    def workloads(self) -> list[Workload]:
        """What `run` made and is there still, by name."""

    def logs(self, replica: Replica, tail: int | None) -> str:
        """What a replica has printed, the last `tail` lines if asked."""

    def exec(self, replica: Replica, argv: Sequence[str], timeout_s: float) -> Outcome:
        """Run a program inside a replica to its end, without input."""

    def stop(self, workload: Workload, timeout_s: float) -> None:
        """End it; returns when nothing of it is left. Raises WaitTimeout."""


@contextmanager
def entered(access: Access, *, verbose: bool = False) -> Iterator[Tool]:
    """The tool of this cluster, with one connection for all calls."""
    with session_of(access, verbose=verbose) as session:
        yield _tool(access.coe, session)


def session_of(access: Access, *, verbose: bool = False) -> Session:
    """HTTP to this cluster; use it in a `with`."""
    from .session import Session

    called = {"kubernetes": "The Kubernetes API", "lxd": "The LXD API"}.get(access.coe, "The Docker API")
    return Session(access, called, verbose=verbose)


def _tool(coe: str, session: Session) -> Tool:
    if coe == "kubernetes":
        from .kubernetes import Kubernetes

        return Kubernetes(session)
    if coe == "lxd":
        from .lxd import Lxd

        return Lxd(session)
    from .swarm import Swarm

    return Swarm(session)
