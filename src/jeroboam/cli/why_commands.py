"""`jeroboam cluster why` and `watch`: what happened, and what happens."""

from __future__ import annotations

from . import waiting, why
from .apps import cluster as cluster_app
from .options import DEFAULTS, Common, framed
from .output import console, plain, show_json
from .results import settled
from .waiting import WAIT_S


@cluster_app.command(name="why")
@framed
def why_(cluster: str, /, *, lines: int = why.CONSOLE_LINES, all: bool = False, common: Common = DEFAULTS) -> int:
    """Say why a cluster failed or what it is doing, whose move it is, and what to try next.

    Works for clusters that are gone, by uuid, and for healthy ones.

    Example: jeroboam cluster why demo

    Parameters
    ----------
    cluster
        Name or uuid.
    lines
        Last console lines shown of a node that failed.
    all
        Show every step of a long timeline.
    """
    with common.client() as client:
        report = why.gather(client, cluster)
    if common.json:
        show_json(report.as_json())
    else:
        why.show(why.render(report, console_lines=max(0, lines), whole=all), console())
    return 0


@cluster_app.command
@framed
def watch(cluster: str, /, *, timeout_s: WAIT_S = waiting.TIMEOUT_S, common: Common = DEFAULTS) -> int:
    """Follow the latest operation of a cluster to its end; does nothing to it. Ctrl-C only ends the watching.

    Example: jeroboam cluster watch demo

    Parameters
    ----------
    cluster
        Name or uuid; a cluster that is gone by its uuid.
    """
    with common.client() as client:
        report = why.gather(client, cluster)
        if report.operation is None:
            return settled(client, report.cluster or {}, common)
        uuid = str(report.operation["cluster_uuid"])
        operation = waiting.follow_to_success(client, uuid, report.operation, common, timeout_s)
        if operation.get("verb") == "delete":
            if common.json:
                show_json(operation)
            else:
                print(f"Cluster {plain(uuid)} is deleted.")
            return 0
        return settled(client, client.cluster(uuid), common, opened=operation.get("verb") == "create")
