"""`jeroboam nodegroup`: the groups of like nodes in a cluster."""

from __future__ import annotations

from .apps import nodegroup as nodegroup_app
from .options import DEFAULTS, Common, framed
from .output import show_fields, show_json, show_table
from .wire import segment


@nodegroup_app.command(name="list")
@framed
def list_(cluster: str, /, *, common: Common = DEFAULTS) -> int:
    """List the node groups of a cluster.

    Example: jeroboam nodegroup list demo

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    """
    with common.client() as client:
        uuid = segment(client.cluster(cluster)["uuid"])
        groups = client.entries(f"v1/clusters/{uuid}/nodegroups", "nodegroups")
    if common.json:
        show_json(groups)
        return 0
    columns = ("NAME", "UUID", "ROLE", "NODES", "FLAVOR", "IMAGE", "STATUS")
    keys = ("name", "uuid", "role", "node_count", "flavor_id", "image_id", "status")
    show_table(columns, [[g.get(key) for key in keys] for g in groups], nothing="There is no node group.")
    return 0


@nodegroup_app.command
@framed
def show(cluster: str, group: str, /, *, common: Common = DEFAULTS) -> int:
    """Show one node group.

    Example: jeroboam nodegroup show demo default-worker

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    group
        Name or uuid of the node group.
    """
    with common.client() as client:
        uuid = segment(client.cluster(cluster)["uuid"])
        found = client.get(f"v1/clusters/{uuid}/nodegroups/{segment(group)}")
    if common.json:
        show_json(found)
    else:
        show_fields({key: value for key, value in found.items() if key not in ("links", "id")})
    return 0
