"""An operation stopped at its owner's word: what is told of it, and how its end is waited for."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from .errors import OperationFailed
from .options import Common
from .output import console, plain, show_json
from .watch import follow
from .why import FINAL
from .wire import Json, segment

if TYPE_CHECKING:
    from .client import Client


def stopped(client: Client, operation_uuid: str, timeout_s: float | None, common: Common) -> int:
    """Ask for the stop; with `timeout_s` (of --wait) stay until it is over.

    Raises Refused for what is over or cannot be stopped, OperationFailed when it ended otherwise before it could be stopped.
    """
    path = f"ext/v1/operations/{segment(operation_uuid)}/cancel"
    operation: Json = client.post(path, None, needs="uuid").document
    if timeout_s is not None and operation.get("state") not in FINAL:
        target = None if common.json else console()
        operation = follow(client, str(operation["cluster_uuid"]), operation_uuid, target, timeout_s=timeout_s)
        if operation.get("state") != "cancelled":
            raise OperationFailed(f"The {operation.get('kind')} was not stopped: it {operation.get('state')} before.")
    if common.json:
        show_json(operation)
        return 0
    over = operation.get("state") == "cancelled"
    what = plain(operation.get("summary") or operation.get("kind"))
    print(f"{'Stopped' if over else 'Stopping'}: {what}")
    print(f"Next: jeroboam cluster {'why' if over else 'watch'} {shlex.quote(str(operation['cluster_uuid']))}")
    return 0
