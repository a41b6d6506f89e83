"""Machines made anew around their state: another image, other files of the first boot, but the same name, address and volume.

For tools whose control plane would lose what it knows with its machine: a swarm of one manager is nothing without its disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..domain import OperationKind
from .coe import Access
from .compute import Machine


@runtime_checkable
class MachineRebuilder(Protocol):
    """Optional, for a provider whose machines keep their state apart from their root."""

    async def unmake_machine(self, cluster_uuid: str, name: str) -> None:
        """Stop the machine and take it away, but for its address and its state. Absent is fine.

        `list_machines` shows it no more; the next `ensure_machine` of this name finds both, and the first boot runs as on a new
        root. `delete_machine` and `delete_all` remove what was kept.
        """
        ...


@runtime_checkable
class StatefulDriver(Protocol):
    """Optional, for a driver whose nodes stay members while their machines are made anew: upgrades and rotations then do that,
    one control-plane machine at a time, where they replace the nodes of other drivers. It needs a MachineRebuilder."""

    async def set_aside(self, machine: Machine, access: Access) -> None:
        """Before the machine is unmade: its work moves elsewhere, what it leads is led by another; it stays a member.

        Repeatable; an unknown node is fine. Raises CoeUnreachable, CoeRefused, DeadlineExceeded.
        """
        ...

    async def take_back(self, machines: Sequence[Machine], access: Access) -> str:
        """Afterwards, and at each pass: what was set aside among these works again as it did. What is still missing for it, or ""
        when the control plane is whole. Repeatable. Raises CoeUnreachable, CoeRefused."""
        ...


@runtime_checkable
class InnerSecrets(Protocol):
    """Optional, for a driver whose tool makes secrets of its own that a rotation shall renew, too: join tokens, a CA."""

    async def renew_inside(self, kind: OperationKind, order: str, access: Access) -> str:
        """Renew what belongs to this kind of rotation, once for each `order`, however often it is asked. What is still missing,
        or "" when it is done. Raises CoeUnreachable, CoeRefused."""
        ...
