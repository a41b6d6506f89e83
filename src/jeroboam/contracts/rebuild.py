"""Machines made anew around their state: another image, other files of the first boot, but the same name, address and volume.

For tools whose control plane would lose what it knows with its machine: a swarm of one manager is nothing without its disk.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class MachineRebuilder(Protocol):
    """Optional, for a provider whose machines keep their state apart from their root."""

    async def unmake_machine(self, cluster_uuid: str, name: str) -> None:
        """Stop the machine and take it away, but for its address and its state. Absent is fine.

        `list_machines` shows it no more; the next `ensure_machine` of this name finds both, and the first boot runs as on a new
        root. `delete_machine` and `delete_all` remove what was kept.
        """
        ...
