"""What becomes of operations that are to begin, by what is recorded of them and of their clusters. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ..domain import OPERATION_FINAL, Operation, OperationState, Status, Verb, begin
from ..domain.errors import Conflict


@dataclass
class HeldCluster:
    """What counts of a cluster whose row the transaction holds."""

    status: Status
    fence: int
    deleting: bool


@dataclass(frozen=True)
class Beginning:
    """`operation`: as it is from now on, under this fence, or SUPERSEDED because of `refused`. `event`: the outcome to be told, if any."""

    operation: Operation
    status: Status | None = None  # the cluster's
    fence: int = 0
    refused: str = ""
    event: str = ""


def beginning(operation: Operation, cluster: HeldCluster | None, now: datetime) -> Beginning | None:
    """None when it is over; else the cluster, too, is made what it is from now on."""
    if operation.state in OPERATION_FINAL:
        return None
    over = replace(operation, state=OperationState.SUPERSEDED)
    if cluster is None:
        return Beginning(over, refused="The cluster is gone.")
    # A stopped create is taken up once more to be ended; the cluster shows its deletion all the while.
    stopped = cluster.deleting and operation.verb is not Verb.DELETE
    try:
        cluster.status = cluster.status if stopped else begin(cluster.status, operation.verb)
    except Conflict as error:
        return Beginning(over, refused=error.message, event="failure")
    cluster.fence += 1
    running = replace(operation, state=OperationState.RUNNING, started_at=operation.started_at or now)
    # Taken over after a crash, it is no news.
    event = "" if operation.started_at else "pending"
    return Beginning(running, cluster.status, cluster.fence, event=event)
