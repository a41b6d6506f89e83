"""`jeroboam image load`: an image of this machine onto a live cluster, by the tool's own API with the user's own certificate.

`Nodes` is the contract of tools whose nodes hold container images; `swarm` and `kubernetes` implement it, `spread` takes an archive to all
of them. LXD holds images for the cluster as a whole: `lxd`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..workloads.patience import Patience
    from ..workloads.session import Session
    from .archive import Archive

__all__ = ["BY", "LOADED", "PRESENT", "Node", "Nodes", "Tell", "Telling", "nodes_of"]

LOADED, PRESENT = "loaded", "present"
BY = "jeroboam-load"  # what helpers on nodes bear; `jeroboam ps` shows none of them


@dataclass(frozen=True)
class Node:
    """A node as its tool knows it. `why_not` is why nothing can be brought to it now, "" for a node that is well; `ident` and `address`
    are what its tool wants."""

    name: str
    group: str = ""
    architecture: str = ""
    why_not: str = ""
    ident: str = ""
    address: str = ""


class Tell(Protocol):
    """How far it is: `total` bytes are to come, `more` have. Raises Interrupted when the user wants no more: call it often."""

    def __call__(self, *, total: int | None = None, more: int = 0, note: str | None = None) -> None: ...


Bring = Callable[[Node, Tell], str]
Telling = Callable[[str], AbstractContextManager[Tell]]  # by the name of what is under way


class Nodes(Protocol):
    """The nodes of one live cluster. All methods raise Unreachable and Refused."""

    def nodes(self) -> list[Node]:
        """All of them, by name."""

    def bringing(self, archive: Archive, patience: Patience, telling: Telling) -> AbstractContextManager[Bring]:
        """What has to be done once, before and after; the function brings the images to one node, whole or not at all.

        It returns LOADED, or PRESENT for a node that had them all, raises CliError with the reason for one that has not got them, and
        may be called by several threads. Nothing of ours is left on the cluster in the end, also after an error.
        """


def nodes_of(coe: str, session: Session) -> Nodes:
    """Those of a cluster of this tool."""
    if coe == "kubernetes":
        from .kubernetes import KubernetesNodes

        return KubernetesNodes(session)
    from .swarm import SwarmNodes

    return SwarmNodes(session)
