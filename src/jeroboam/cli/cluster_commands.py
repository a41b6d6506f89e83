"""`jeroboam cluster`: make, see, resize, delete and use clusters."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from . import access_removal, checks, waiting
from .apps import cluster as cluster_app
from .deletion import FORCE, YES, Deletion, delete_each, reports
from .errors import Refused, Usage
from .options import DEFAULTS, Common, framed, given, pairs
from .output import show_fields, show_json, show_table
from .preview import DRY_RUN, show_plan, show_plans
from .results import accepted, changed, settled, warn_of_namesakes
from .waiting import WAIT, WAIT_S
from .wire import Json, segment

if TYPE_CHECKING:
    from .client import Client

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Labels = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]


@cluster_app.command
@framed
def create(
    name: str,
    /,
    *,
    template: str,
    nodes: int = 1,
    control_planes: int = 1,
    label: Labels = (),
    merge_labels: Flag = False,
    flavor: str | None = None,
    control_plane_flavor: str | None = None,
    keypair: str | None = None,
    fixed_network: str | None = None,
    fixed_subnet: str | None = None,
    docker_volume_size: int | None = None,
    api_lb: Annotated[bool | None, Parameter(negative="--no-api-lb")] = None,
    floating_ip: Annotated[bool | None, Parameter(negative="--no-floating-ip")] = None,
    timeout: int | None = None,
    dry_run: DRY_RUN = False,
    wait: WAIT = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Make a cluster.

    Examples:

    jeroboam cluster create demo --template k8s --nodes 2 --dry-run

    jeroboam cluster create demo --template k8s --nodes 2 --wait

    jeroboam cluster create big --template k8s --nodes 5 --flavor m1.large --label flannel_backend=host-gw --merge-labels

    Parameters
    ----------
    name
        Name of the cluster; begins with a letter, then letters, digits, `_`, `.` and `-`.
    template
        Template, by name or uuid.
    nodes
        Number of workers.
    control_planes
        Number of control-plane nodes: odd.
    label
        KEY=VALUE for the driver, in place of the template's labels; repeat for more.
    merge_labels
        Put the labels on top of the template's.
    flavor
        Size of the workers, in place of the template's.
    control_plane_flavor
        Size of the control-plane nodes, in place of the template's.
    keypair
        SSH key for the nodes.
    fixed_network
        Existing private network to put nodes on.
    fixed_subnet
        Existing subnet of that network.
    docker_volume_size
        Size in GiB of a volume for container images on each node. The provider docker has none: no effect there.
    api_lb
        A load balancer in front of the cluster's API.
    floating_ip
        Floating addresses for the nodes. The provider docker has none: no effect there.
    timeout
        Minutes that the creation may take before it fails; 0 for no limit. [default: the service's, 60]
    """
    checks.at_least(0, nodes=nodes)
    checks.at_least(1, control_planes=control_planes)
    fields = given(
        name=checks.cluster_name(name),
        cluster_template_id=template,
        node_count=nodes,
        master_count=control_planes,
        labels=pairs(label, "--label"),
        merge_labels=merge_labels or None,
        flavor_id=flavor,
        master_flavor_id=control_plane_flavor,
        keypair=keypair,
        fixed_network=fixed_network,
        fixed_subnet=fixed_subnet,
        docker_volume_size=docker_volume_size,
        master_lb_enabled=api_lb,
        floating_ip_enabled=floating_ip,
        create_timeout=timeout,
    )
    with common.client() as client:
        if dry_run:
            return show_plan(client, "ext/v1/clusters/plan", fields, common)
        answer = client.post("v1/clusters", fields, needs="uuid")
        uuid = str(answer.document["uuid"])
        cluster = client.cluster(uuid)
        handle = warn_of_namesakes(client, cluster, common)
        if not wait:
            return accepted(client, cluster, f"Cluster {name} is being made ({uuid}).", common, handle=handle)
        waiting.until_done(client, uuid, "create", answer.request_id, common, timeout_s)
        return settled(client, client.cluster(uuid), common, opened=True, handle=handle)


@cluster_app.command(name="list")
@framed
def list_(*, limit: int | None = None, common: Common = DEFAULTS) -> int:
    """List your clusters.

    Example: jeroboam cluster list

    Parameters
    ----------
    limit
        Show at most so many.
    """
    with common.client() as client:
        clusters = client.entries("v1/clusters", "clusters", limit=limit)
    if common.json:
        show_json(clusters)
        return 0
    columns = ("NAME", "UUID", "STATUS", "HEALTH", "NODES", "CONTROL PLANES")
    keys = ("name", "uuid", "status", "health_status", "node_count", "master_count")
    nothing = "There is no cluster. Make one: jeroboam cluster create NAME --template TEMPLATE --wait"
    show_table(columns, [[c.get(key) for key in keys] for c in clusters], nothing=nothing)
    return 0


@cluster_app.command
@framed
def show(cluster: str, /, *, common: Common = DEFAULTS) -> int:
    """Show one cluster.

    Example: jeroboam cluster show demo

    Parameters
    ----------
    cluster
        Name or uuid.
    """
    with common.client() as client:
        found = client.cluster(cluster)
        if common.json:
            show_json(found)
        else:
            show_fields(dict(_told(client, found)))
    return 0


def _told(client: Client, cluster: Json) -> Iterator[tuple[str, object]]:
    """What people are shown of it: the template with its name, where it is to be seen."""
    for key, value in cluster.items():
        if key in ("links", "merge_labels"):
            continue
        if key == "cluster_template_id":
            with suppress(Refused):
                yield "cluster_template", client.template(str(value)).get("name")
        yield key, value


@cluster_app.command
@framed
def resize(
    cluster: str,
    nodes: int,
    /,
    *,
    nodegroup: str | None = None,
    remove: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    dry_run: DRY_RUN = False,
    wait: WAIT = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Change the number of nodes of a node group.

    Examples:

    jeroboam cluster resize demo 5 --wait

    jeroboam cluster resize demo 2 --nodegroup gpu --remove demo-5b2f1a3c-gpu-1

    Parameters
    ----------
    cluster
        Name or uuid.
    nodes
        How many nodes the group shall have.
    nodegroup
        Node group, by name or uuid. [default: the default worker group]
    remove
        Node that shall go when the group shrinks; repeat for more.
    """
    if nodes < 0:
        raise Usage(f"{nodes} is too few nodes: give at least 0.")
    body = given(node_count=nodes, nodes_to_remove=list(remove), nodegroup=nodegroup)
    with common.client() as client:
        uuid = str(client.cluster(cluster)["uuid"])
        if dry_run:
            return show_plan(client, f"ext/v1/clusters/{segment(uuid)}/plan", {"operation": "resize", **body}, common)
        answer = client.send("POST", f"v1/clusters/{segment(uuid)}/actions/resize", body=body)
        told = f"Cluster {cluster} is being resized ({uuid})."
        return changed(client, uuid, answer, told, common, timeout_s if wait else None)


@cluster_app.command
@framed
def delete(
    *cluster: Annotated[str, Parameter(required=True, help="Name or uuid; several may be given.")],
    dry_run: DRY_RUN = False,
    wait: WAIT = False,
    force: FORCE = False,
    yes: YES = False,
    timeout_s: WAIT_S = waiting.TIMEOUT_S,
    common: Common = DEFAULTS,
) -> int:
    """Delete clusters with all their nodes, networks and addresses. Asks on a terminal.

    What `jeroboam cluster config` wrote here for them goes, too: contexts, and
    folders for lxc.

    Example: jeroboam cluster delete demo big --wait
    """
    with common.client() as client:
        if dry_run:
            return show_plans(client, cluster, {"operation": "delete"}, common)
        waits = timeout_s if wait else None
        how = Deletion(client.cluster, lambda one: _delete(client, one, force, waits, common), _deleted)
        return delete_each(cluster, how, common, question=_forced if force else _really, yes=yes)


def _really(clusters: Sequence[Json]) -> str:
    names = ", ".join(str(one.get("name")) for one in clusters)
    return f"Delete {names} with all that is in {'it' if len(clusters) == 1 else 'them'}?"


def _forced(clusters: Sequence[Json]) -> str:
    return f"{_really(clusters)[:-1]}, and leave behind what the provider does not let go of?"


def _delete(client: Client, cluster: Json, force: bool, waits_s: float | None, common: Common) -> Json:
    uuid, done = str(cluster["uuid"]), None
    if force:
        answer = client.post(f"ext/v1/clusters/{segment(uuid)}/force_delete", None, needs="uuid")
        if waits_s is not None:
            done = waiting.follow_to_success(client, uuid, answer.document, common, waits_s)
    else:
        answer = client.send("DELETE", f"v1/clusters/{segment(uuid)}")
        if waits_s is not None:
            done = waiting.until_done(client, uuid, "delete", answer.request_id, common, waits_s)
    removed = access_removal.remove(uuid, os.environ)
    told = {"deleted": waits_s is not None, **reports(client, done)}
    return {"uuid": uuid, "name": cluster.get("name"), **told, "access_removed": removed}


def _deleted(result: Json) -> str:
    state = "deleted" if result["deleted"] else "being deleted"
    told = result["report"] if sys.stdout.isatty() else []  # elsewhere it was a line already
    return "\n".join([f"Cluster {result['name']} is {state} ({result['uuid']}).", *told, *result["access_removed"]])
