"""`jeroboam cluster retry`, `heal` and `cancel`: the course of what a cluster was asked to do."""

from __future__ import annotations

from . import waiting
from .apps import cluster as cluster_app
from .errors import CliError
from .options import DEFAULTS, Common, framed
from .output import plain, show_json
from .results import changed
from .stopping import stopped
from .waiting import WAIT, WAIT_S
from .why import FINAL
from .wire import segment


@cluster_app.command
@framed
def retry(
    cluster: str, /, *, wait: WAIT = False, timeout_s: WAIT_S = waiting.TIMEOUT_S, common: Common = DEFAULTS
) -> int:
    """Go on with what failed or was cancelled, from what is there. Nodes whose first boot failed are made anew.

    Example: jeroboam cluster retry demo --wait

    Parameters
    ----------
    cluster
        Name or uuid.
    """
    with common.client() as client:
        found = client.cluster(cluster)
        uuid = str(found["uuid"])
        answer = client.post(f"ext/v1/clusters/{segment(uuid)}/retry", None, needs="uuid")
        told = f"Cluster {cluster} is tried again ({uuid})."
        if wait and answer.document.get("verb") == "delete":
            final = waiting.follow_to_success(client, uuid, answer.document, common, timeout_s)
            if common.json:
                show_json(final)
            else:
                print(f"Cluster {plain(found.get('name'))} is deleted ({uuid}).")
            return 0
        return changed(client, uuid, answer, told, common, timeout_s if wait else None)


@cluster_app.command
@framed
def heal(
    cluster: str, /, *, wait: WAIT = False, timeout_s: WAIT_S = waiting.TIMEOUT_S, common: Common = DEFAULTS
) -> int:
    """Start again or replace the nodes that `cluster why` tells are not well. With the label auto_healing_enabled it happens by itself.

    Example: jeroboam cluster heal demo --wait

    Parameters
    ----------
    cluster
        Name or uuid.
    """
    with common.client() as client:
        uuid = str(client.cluster(cluster)["uuid"])
        answer = client.post(f"ext/v1/clusters/{segment(uuid)}/heal", None, needs="uuid")
        return changed(
            client, uuid, answer, f"Cluster {cluster} is being healed ({uuid}).", common, timeout_s if wait else None
        )


@cluster_app.command
@framed
def cancel(
    cluster: str, /, *, wait: WAIT = False, timeout_s: WAIT_S = waiting.TIMEOUT_S, common: Common = DEFAULTS
) -> int:
    """Stop what is done with a cluster now. What waits behind it begins then; `jeroboam operation cancel` stops one that waits.

    Example: jeroboam cluster cancel demo --wait

    Parameters
    ----------
    cluster
        Name or uuid.
    """
    with common.client() as client:
        found = client.cluster(cluster)
        live = [one for one in client.operations(str(found["uuid"])) if one.get("state") not in FINAL]
        if not live:
            raise CliError(f"Nothing is done with cluster {found.get('name')}: it is {found.get('status')}.")
        running = [one for one in live if one.get("state") == "running"]
        return stopped(client, str((running or live)[-1]["uuid"]), timeout_s if wait else None, common)
