"""`jeroboam nodegroup create`, `update`, `delete`: groups of like nodes beside the default ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from . import checks, waiting
from .apps import nodegroup as nodegroup_app
from .deletion import NOTHING_DONE, YES, confirm
from .errors import Usage
from .options import DEFAULTS, Common, framed, given, pairs
from .preview import DRY_RUN, show_plan
from .results import changed
from .waiting import WAIT, WAIT_S
from .wire import Json, segment

Texts = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@nodegroup_app.command
@framed
def create(
    cluster: str,
    name: str,
    /,
    *,
    nodes: int = 1,
    min_nodes: int | None = None,
    max_nodes: int | None = None,
    role: str | None = None,
    flavor: str | None = None,
    image: str | None = None,
    docker_volume_size: int | None = None,
    label: Texts = (),
    merge_labels: Flag = False,
    node_label: Texts = (),
    taint: Texts = (),
    dry_run: DRY_RUN = False,
    wait: WAIT = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Add a node group to a cluster.

    Examples:

    jeroboam nodegroup create demo big --nodes 2 --flavor m1.large --dry-run

    jeroboam nodegroup create demo big --nodes 2 --flavor m1.large --wait

    jeroboam nodegroup create demo gpu --node-label accelerator=a100 --taint gpu=yes:NoSchedule

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    name
        Name of the new group.
    nodes
        Number of its nodes.
    min_nodes
        It never gets fewer nodes than this.
    max_nodes
        It never gets more nodes than this.
    role
        A word for what it is for; the tools show it. [default: worker]
    flavor
        Size of its nodes, in place of the cluster's.
    image
        Image of its nodes, in place of the cluster's.
    docker_volume_size
        Size in GiB of a volume for container images on each node. The provider docker has none: no effect there.
    label
        KEY=VALUE for the driver, in place of the cluster's labels; repeat for more.
    merge_labels
        Put the labels on top of the cluster's.
    node_label
        KEY=VALUE that its nodes carry in the live cluster; repeat for more.
    taint
        KEY=VALUE:EFFECT or KEY:EFFECT that keeps workloads away; repeat for more.
    """
    checks.at_least(0, nodes=nodes, min_nodes=min_nodes, max_nodes=max_nodes)
    body = given(
        name=name,
        node_count=nodes,
        min_node_count=min_nodes,
        max_node_count=max_nodes,
        role=role,
        flavor_id=flavor,
        image_id=image,
        docker_volume_size=docker_volume_size,
        labels=pairs(label, "--label"),
        merge_labels=merge_labels or None,
        node_labels=pairs(node_label, "--node-label"),
        node_taints=_taints(taint) or None,
    )
    with common.client() as client:
        uuid = str(client.cluster(cluster)["uuid"])
        if dry_run:
            wish = {"operation": "nodegroup_create", **body}
            return show_plan(client, f"ext/v1/clusters/{segment(uuid)}/plan", wish, common)
        answer = client.send("POST", _place(uuid), body=body)
        return changed(client, uuid, answer, f"Node group {name} is being made.", common, timeout_s if wait else None)


@nodegroup_app.command
@framed
def update(
    cluster: str,
    group: str,
    /,
    *,
    min_nodes: int | None = None,
    max_nodes: int | None = None,
    node_label: Texts = (),
    taint: Texts = (),
    no_node_labels: Flag = False,
    no_taints: Flag = False,
    wait: WAIT = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Change the bounds, node labels or taints of a node group; its live nodes follow. `jeroboam cluster resize` changes its size.

    Example: jeroboam nodegroup update demo big --max-nodes 8 --node-label disk=ssd --wait

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    group
        Name or uuid of the node group.
    min_nodes
        It never gets fewer nodes than this.
    max_nodes
        It never gets more nodes than this.
    node_label
        KEY=VALUE, in place of all present node labels; repeat for more.
    taint
        KEY=VALUE:EFFECT or KEY:EFFECT, in place of all present taints; repeat for more.
    no_node_labels
        Remove all node labels.
    no_taints
        Remove all taints.
    """
    checks.at_least(0, min_nodes=min_nodes, max_nodes=max_nodes)
    changes: dict[str, object] = {
        "min_node_count": min_nodes,
        "max_node_count": max_nodes,
        "node_labels": pairs(node_label, "--node-label") or ({} if no_node_labels else None),
        "node_taints": _taints(taint) or ([] if no_taints else None),
    }
    patch = [
        {"op": "replace", "path": f"/{name}", "value": value} for name, value in changes.items() if value is not None
    ]
    if not patch:
        raise Usage("Nothing to change.", hint="Give --min-nodes, --max-nodes, --node-label or --taint.")
    with common.client() as client:
        uuid = str(client.cluster(cluster)["uuid"])
        answer = client.send("PATCH", f"{_place(uuid)}/{segment(group)}", body=patch)
        return changed(
            client, uuid, answer, f"Node group {group} is being changed.", common, timeout_s if wait else None
        )


@nodegroup_app.command
@framed
def delete(
    cluster: str,
    group: str,
    /,
    *,
    wait: WAIT = False,
    yes: YES = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Remove a node group: its nodes are drained and deleted. Asks on a terminal.

    Example: jeroboam nodegroup delete demo big --wait

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    group
        Name or uuid of the node group.
    """
    with common.client() as client:
        uuid = str(client.cluster(cluster)["uuid"])
        place = f"{_place(uuid)}/{segment(group)}"
        client.get(place)  # what is not there need not be asked about
        if not confirm(f"Delete node group {group} of cluster {cluster} with all its nodes?", yes=yes):
            return NOTHING_DONE
        answer = client.send("DELETE", place)
        return changed(
            client, uuid, answer, f"Node group {group} is being deleted.", common, timeout_s if wait else None
        )


def _place(cluster_uuid: str) -> str:
    return f"v1/clusters/{segment(cluster_uuid)}/nodegroups"


def _taints(texts: Sequence[str]) -> list[Json]:
    """As kubectl writes them. Raises Usage, naming the text."""
    return [_taint(text) for text in texts]


def _taint(text: str) -> Json:
    left, colon, effect = text.rpartition(":")
    key, equals, value = left.partition("=")
    if not (colon and key and effect):
        raise Usage(f"--taint {text!r} is not KEY=VALUE:EFFECT.", hint="Write for example --taint gpu=yes:NoSchedule.")
    return {"key": key, "value": value, "effect": effect} if equals else {"key": key, "effect": effect}
