"""`jeroboam operation`: what was asked of a cluster and how it went."""

from __future__ import annotations

from . import waiting, why
from .apps import operation as operation_app
from .moments import duration, seconds_between, to_the_second
from .options import DEFAULTS, Common, framed
from .output import console, show_json, show_table
from .stopping import stopped
from .waiting import WAIT, WAIT_S


@operation_app.command(name="list")
@framed
def list_(cluster: str, /, *, common: Common = DEFAULTS) -> int:
    """List the operations of a cluster, newest first.

    Example: jeroboam operation list demo

    Parameters
    ----------
    cluster
        Name or uuid; a cluster that is gone by its uuid.
    """
    with common.client() as client:
        operations = client.operations(cluster)
        now = client.now()
    if common.json:
        show_json(operations)
        return 0
    columns = ("UUID", "KIND", "STATE", "ASKED", "TOOK", "WHAT")
    rows = [
        (
            operation.get("uuid"),
            operation.get("kind"),
            operation.get("state"),
            to_the_second(operation.get("created_at")),
            duration(seconds_between(operation.get("created_at"), operation.get("finished_at") or now)),
            operation.get("summary") or operation.get("kind"),
        )
        for operation in operations
    ]
    show_table(columns, rows, nothing="There is no operation.")
    return 0


@operation_app.command
@framed
def show(uuid: str, /, *, all: bool = False, common: Common = DEFAULTS) -> int:
    """Show one operation with its timeline.

    Example: jeroboam operation show 0b0f7d3e-3c83-4b4d-9f8b-3f1f3f2f9a10

    Parameters
    ----------
    uuid
        The operation's uuid.
    all
        Show every step of a long timeline.
    """
    with common.client() as client:
        operation = client.operation(uuid)
        report = why.Report(None, operation, client.steps(uuid), client.now())
    if common.json:
        show_json({**operation, "steps": report.steps})
    else:
        why.show(why.operation_lines(report, whole=all), console())
    return 0


@operation_app.command
@framed
def cancel(
    uuid: str, /, *, wait: WAIT = False, timeout_s: WAIT_S = waiting.TIMEOUT_S, common: Common = DEFAULTS
) -> int:
    """Stop an operation. What it made stays: `jeroboam cluster retry` goes on with it. A deletion cannot be stopped.

    Example: jeroboam operation cancel 0b0f7d3e-3c83-4b4d-9f8b-3f1f3f2f9a10 --wait

    Parameters
    ----------
    uuid
        The operation's uuid.
    """
    with common.client() as client:
        return stopped(client, uuid, timeout_s if wait else None, common)
