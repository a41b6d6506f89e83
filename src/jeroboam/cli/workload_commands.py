"""`jeroboam run`, `ps`, `logs`, `exec`, `stop`: one verb for all container tools. How each does it: the package `workloads`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from . import workload_views as views
from .errors import CliError, Usage
from .options import DEFAULTS, Common, framed, pairs
from .output import plain, show_json
from .waiting import WAIT

if TYPE_CHECKING:
    from .workloads import Replica, Tool, Workload

READY_S = 120.0
Seconds = Annotated[float, Parameter(validator=Number(gt=0), show_default=True)]
Words = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]


@framed
def run(
    cluster: str,
    /,
    *command: Annotated[str, Parameter(allow_leading_hyphen=False)],
    image: str,
    name: str | None = None,
    replicas: int = 1,
    publish: str | None = None,
    env: Words = (),
    wait: WAIT = False,
    timeout_s: Seconds = READY_S,
    common: Common = DEFAULTS,
) -> int:
    """Run an image on a cluster, whatever its container tool.

    Makes a Deployment (and a Service for a published port) on Kubernetes, a
    service on Swarm, system containers on LXD, which their own clients see.

    Examples:

    jeroboam run demo --image jeroboam.local/hello:1 --replicas 3 --publish 8080 --wait -- serve

    jeroboam run lxd-demo --image small --name web --replicas 2 --publish 8080

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    command
        Arguments for the image, after `--`. [default: the image's own]
    image
        Container image; on LXD the alias of an image that the cluster has.
    name
        Name of the workload. [default: after the image]
    replicas
        How many of it.
    publish
        Port to open on nodes: PORT (the tool chooses the node's port), or NODEPORT:PORT.
    env
        NAME=VALUE for its environment; repeat for more.
    timeout_s
        Seconds to stay; what was asked for goes on afterwards.
    """
    from .workloads import Publish, Wish, wish

    port = None if publish is None else Publish.parse(publish)
    asked = Wish(name or wish.name_of(image), image, replicas, port, pairs(env, "--env", "LOG_LEVEL=debug"), command)
    with _tool("run", cluster, common, 2 * timeout_s) as tool:  # to make it, and to wait for it
        if any(one.name == asked.name for one in tool.workloads()):
            hint = f"End it with `jeroboam stop {cluster} {asked.name}`, or choose another name with --name."
            raise CliError(f"A workload {asked.name} is on {cluster} already.", hint=hint)
        note = tool.run(asked, timeout_s)
        told = None if common.json else note
        made = views.until_ready(tool, cluster, asked, timeout_s, common) if wait else _find(tool, cluster, asked.name)
    views.show_made(made, cluster, common, note=told, waited=wait)
    return 0


@framed
def ps(cluster: str, name: str | None = None, /, *, common: Common = DEFAULTS) -> int:
    """List what runs on a cluster, or the replicas of one workload.

    Only what `jeroboam run` made is shown; the tool's own client shows all.

    Example: jeroboam ps demo

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    name
        Workload whose replicas are shown.
    """
    with _tool("ps", cluster, common) as tool:
        found = tool.workloads() if name is None else [_find(tool, cluster, name)]
    if common.json:
        show_json([one.as_json() for one in found] if name is None else found[0].as_json())
    elif name is None:
        views.show_workloads(found, cluster)
    else:
        views.show_replicas(found[0])
    return 0


@framed
def logs(
    cluster: str,
    name: str,
    /,
    *,
    replica: str | None = None,
    tail: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    common: Common = DEFAULTS,
) -> int:
    """Show what a workload has printed; on LXD, the console of its system containers.

    Example: jeroboam logs demo hello --tail 20

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    name
        Workload.
    replica
        Only this one. [default: all, each line with the replica's name]
    tail
        Only so many lines of each.
    """
    with _tool("logs", cluster, common) as tool:
        workload = _find(tool, cluster, name)
        wanted = workload.replicas if replica is None else (_replica(workload, replica),)
        said = {one.name: tool.logs(one, tail) for one in wanted if replica is not None or one.started}
    if common.json:
        show_json(said)
    else:
        views.show_logs(said, workload)
    return 0


@framed
def exec_(
    cluster: str,
    name: str,
    /,
    *command: str,
    replica: str | None = None,
    timeout_s: Seconds = READY_S,
    common: Common = DEFAULTS,
) -> int:
    """Run a program inside a workload to its end, without input; its exit code is ours.

    Examples:

    jeroboam exec demo hello -- /hello get http://127.0.0.1:8080

    jeroboam exec lxd-demo web -- cat /etc/os-release

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    name
        Workload.
    command
        Program and arguments, after `--`.
    replica
        Where to run it. [default: the first that runs]
    timeout_s
        Seconds that it may take.
    """
    if not command:
        raise Usage("There is no program to run.", hint=f"Write it after `--`: jeroboam exec {cluster} {name} -- ls /")
    with _tool("exec", cluster, common, timeout_s) as tool:
        workload = _find(tool, cluster, name)
        where = _running(workload) if replica is None else _replica(workload, replica)
        outcome = tool.exec(where, command, timeout_s)
    if common.json:
        texts = {kind: getattr(outcome, kind).decode(errors="replace") for kind in ("stdout", "stderr")}
        show_json({"replica": where.name, "exit_code": outcome.exit_code, **texts})
    else:
        views.pass_on(outcome.stdout, sys.stdout)
        views.pass_on(outcome.stderr, sys.stderr)
    return outcome.exit_code


@framed
def stop(cluster: str, name: str, /, *, timeout_s: Seconds = READY_S, common: Common = DEFAULTS) -> int:
    """End a workload and remove all of it; returns when it is gone.

    Example: jeroboam stop demo hello

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    name
        Workload.
    timeout_s
        Seconds to stay; the end goes on afterwards.
    """
    with _tool("stop", cluster, common, timeout_s) as tool:
        workload = _find(tool, cluster, name)
        tool.stop(workload, timeout_s)
    if common.json:
        show_json({"name": workload.name, "stopped": True})
    else:
        print(f"Workload {plain(workload.name)} is gone.")
    return 0


@contextmanager
def _tool(command: str, cluster: str, common: Common, limit_s: float = READY_S) -> Iterator[Tool]:
    """The cluster's own API, entered with a certificate that is made for this command and soon ends after its limit."""
    from . import access
    from .workloads import entered

    with common.client() as client:
        found = client.cluster(cluster)
        coe, tls = access.coe_of(client, found)
        way = access.enter(client, found, coe, access.Use.of_command(command, limit_s), tls=tls)
    with entered(way, verbose=common.verbose) as tool:
        yield tool


def _find(tool: Tool, cluster: str, name: str) -> Workload:
    found = [one for one in tool.workloads() if one.name == name]
    if not found:
        hint = f"`jeroboam ps {cluster}` shows those that `jeroboam run` made."
        raise CliError(f"There is no workload {name} on {cluster}.", hint=hint)
    return found[0]


def _replica(workload: Workload, name: str) -> Replica:
    found = [one for one in workload.replicas if one.name == name]
    if not found:
        there = ", ".join(one.name for one in workload.replicas) or "none"
        raise Usage(f"--replica {name!r} is none of {workload.name}.", hint=f"It has: {there}.")
    return found[0]


def _running(workload: Workload) -> Replica:
    found = [one for one in workload.replicas if one.running]
    if not found:
        raise CliError(f"No replica of {workload.name} runs. {workload.note}".strip(), hint="Try again when one does.")
    return found[0]
