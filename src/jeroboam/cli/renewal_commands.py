"""`jeroboam cluster upgrade`, `rotate-ca`, `rotate-credentials`: what replaces the nodes of a live cluster in turn."""

from __future__ import annotations

from . import waiting
from .apps import cluster as cluster_app
from .options import DEFAULTS, Common, framed, given
from .preview import DRY_RUN, show_plan
from .results import changed
from .waiting import WAIT, WAIT_S
from .wire import segment


@cluster_app.command
@framed
def upgrade(
    cluster: str,
    /,
    *,
    template: str,
    max_batch_size: int | None = None,
    nodegroup: str | None = None,
    dry_run: DRY_RUN = False,
    wait: WAIT = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Take a cluster to another template: its image and labels. Nodes are drained and replaced in batches, the control plane first.

    Examples:

    jeroboam cluster upgrade demo --template k8s-1.35 --dry-run

    jeroboam cluster upgrade demo --template k8s-1.35 --max-batch-size 2 --wait

    Parameters
    ----------
    cluster
        Name or uuid.
    template
        Template, by name or uuid.
    max_batch_size
        How many nodes of a group may be away at once. [default: 1]
    nodegroup
        Only this node group, by name or uuid. [default: all that follow the cluster]
    """
    body = given(cluster_template=template, max_batch_size=max_batch_size, nodegroup=nodegroup)
    with common.client() as client:
        uuid = str(client.cluster(cluster)["uuid"])
        if dry_run:
            return show_plan(client, f"ext/v1/clusters/{segment(uuid)}/plan", {"operation": "upgrade", **body}, common)
        answer = client.send("POST", f"v1/clusters/{segment(uuid)}/actions/upgrade", body=body)
        told = f"Cluster {cluster} is being upgraded ({uuid})."
        return changed(client, uuid, answer, told, common, timeout_s if wait else None)


@cluster_app.command
@framed
def rotate_ca(
    cluster: str,
    /,
    *,
    wait: WAIT = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Renew the CAs of a cluster. Certificates and kubeconfigs made before stop working at its end: run `cluster config` again then.

    Example: jeroboam cluster rotate-ca demo --wait

    Parameters
    ----------
    cluster
        Name or uuid.
    """
    return _rotate(cluster, "certificates", "CAs", timeout_s if wait else None, common)


@cluster_app.command
@framed
def rotate_credentials(
    cluster: str,
    /,
    *,
    wait: WAIT = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Renew the secrets that the cluster's own components use, such as join tokens, and its login at the cloud where it has one.

    Where a cluster has such a login, but its nodes' secrets cannot be renewed, the login alone is: the operation's summary says so.

    Example: jeroboam cluster rotate-credentials demo --wait

    Parameters
    ----------
    cluster
        Name or uuid.
    """
    return _rotate(cluster, "credentials", "credentials", timeout_s if wait else None, common)


def _rotate(cluster: str, collection: str, what: str, timeout_s: float | None, common: Common) -> int:
    with common.client() as client:
        uuid = str(client.cluster(cluster)["uuid"])
        answer = client.send("PATCH", f"v1/{collection}/{segment(uuid)}")
        told = f"The {what} of cluster {cluster} are being renewed ({uuid})."
        return changed(client, uuid, answer, told, common, timeout_s, opened=collection == "certificates")
