"""Labels on all that we make: the only truth about what belongs to which cluster."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ...contracts import Address, Machine, MachineSpec, MachineState
from ...domain import Role

CLUSTER = "jeroboam.cluster"
TRIAL = "jeroboam.trial"  # of a container that only shows what the host can do
GROUP = "jeroboam.group"
ROLE = "jeroboam.role"
INDEX = "jeroboam.index"
ADDRESS = "jeroboam.address"
PORT = "jeroboam.port"
NODE_IMAGE = "jeroboam.node-image"
IMAGE = "jeroboam.image"
KEYS = "jeroboam.keys"
_STATES = {
    "created": MachineState.BUILDING,
    "running": MachineState.RUNNING,
    "restarting": MachineState.FAILED,
    "paused": MachineState.STOPPED,
    "exited": MachineState.STOPPED,
    "removing": MachineState.DELETING,
    "dead": MachineState.FAILED,
}


def machine_labels(spec: MachineSpec, address: str) -> dict[str, str]:
    """What a container says of itself."""
    return {
        CLUSTER: spec.cluster_uuid,
        GROUP: spec.group,
        ROLE: spec.role.value,
        INDEX: str(spec.index),
        ADDRESS: address,
        IMAGE: spec.image_id,
        KEYS: spec.keys,
    }


def seen_machine(summary: dict[str, Any], publish: str) -> Machine:
    """A Machine from an entry of Docker's container list. `publish`: the address of this host that ports are published on."""
    labels = summary["Labels"]
    return Machine(
        id=summary["Id"],
        name=summary["Names"][0].lstrip("/"),
        cluster_uuid=labels[CLUSTER],
        group=labels[GROUP],
        role=Role(labels[ROLE]),
        index=int(labels[INDEX]),
        state=_STATES.get(summary["State"], MachineState.FAILED),
        address=labels[ADDRESS],
        detail=summary["Status"],
        created_at=datetime.fromtimestamp(summary["Created"]).astimezone(),
        image_id=labels.get(IMAGE),
        keys=labels.get(KEYS),
        outside=Address(publish, int(labels[PORT])) if PORT in labels else None,
    )
