"""`--wait`: find the operation that a request made, follow it, and when it fails say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from . import why
from .errors import OperationFailed
from .output import console
from .watch import TIMEOUT_S, follow
from .wire import Json

if TYPE_CHECKING:
    from .client import Client
    from .options import Common

WAIT = Annotated[bool, Parameter(negative="", show_default=False, help="Stay until it is done and show each step.")]
WAIT_S = Annotated[
    float,
    Parameter(validator=Number(gt=0), help="Seconds to stay; the operation goes on afterwards.", show_default=True),
]

__all__ = ["TIMEOUT_S", "WAIT", "WAIT_S", "follow_to_success", "until_done"]


def until_done(
    client: Client, cluster_uuid: str, verb: str, request_id: str, common: Common, timeout_s: float
) -> Json | None:
    """The operation, when what the request asked for is done; None when nothing was to do.

    Raises OperationFailed (its report is shown), WaitTimeout, Interrupted.
    """
    operation = made_by(client.operations(cluster_uuid), verb, request_id)
    if operation is None:  # the service saw that nothing is to do
        return None
    return follow_to_success(client, cluster_uuid, operation, common, timeout_s)


def made_by(operations: list[Json], verb: str, request_id: str) -> Json | None:
    """The operation of this request, else the newest of its kind that is not final: asked twice is one operation."""
    for operation in operations:
        if request_id and operation.get("request_id") == request_id:
            return operation
    live = [o for o in operations if o.get("verb") == verb and o.get("state") not in why.FINAL]
    return live[0] if live else None


def follow_to_success(client: Client, cluster_uuid: str, operation: Json, common: Common, timeout_s: float) -> Json:
    """Follow to the end; returns the operation when it succeeded, shows what `why` shows and raises otherwise."""
    target = None if common.json else console()
    final = follow(client, cluster_uuid, str(operation["uuid"]), target, timeout_s=timeout_s)
    if final.get("state") == "succeeded":
        return final
    report = why.gather(client, cluster_uuid, final)
    if target is not None:
        print()
        why.show(why.render(report), target)
    raise _failure(report, final)


def _failure(report: why.Report, operation: Json) -> OperationFailed:
    verb, state = operation.get("verb"), operation.get("state")
    message = f"The {verb} {'failed' if state == 'failed' else f'was {state}'}"
    message += f": {operation['error']}" if operation.get("error") else "."
    return OperationFailed(message, hint=str(operation.get("hint") or ""), details={"report": report.as_json()})
