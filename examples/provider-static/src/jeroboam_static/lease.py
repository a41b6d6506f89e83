"""What a machine says of the cluster that holds it: a small file on the machine itself. No other record of it is kept anywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from jeroboam.contracts import MachineSpec, MachineState
from jeroboam.domain import Role


class Node(msgspec.Struct, frozen=True):
    """The node that the machine is: the words of its MachineSpec."""

    name: str
    group: str
    role: Role
    index: int
    image: str
    keys: str


class Lease(msgspec.Struct, frozen=True):
    """`head`: the cluster's endpoint is this machine's address, from the network's first moment to the cluster's end; `node` may be
    None then. `balances`: it forwards to the control plane and is no node. `state`: "held" is without a node."""

    id: str
    cluster: str
    network: str
    since: datetime
    state: Literal["held", "building", "running", "wiping"]
    head: bool = False
    balances: bool = False
    ports: tuple[int, ...] = ()  # what it forwards
    node: Node | None = None


def node_of(spec: MachineSpec) -> Node:
    """The words of a spec."""
    return Node(spec.name, spec.group, spec.role, spec.index, spec.image_id, spec.keys)


def encode(lease: Lease) -> bytes:
    """One line."""
    return msgspec.json.encode(lease)


def decode(text: bytes) -> Lease | None:
    """None for an empty file's worth. Raises ValueError for what is no lease."""
    return msgspec.json.decode(text, type=Lease) if text.strip() else None


STATES = {
    "held": MachineState.BUILDING,
    "building": MachineState.BUILDING,
    "running": MachineState.RUNNING,
    "wiping": MachineState.DELETING,
}
