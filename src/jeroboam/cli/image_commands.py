"""`jeroboam image load`: an image of this machine to the nodes of a cluster. How each tool takes it: the package `images`."""

from __future__ import annotations

import shlex
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from .errors import CliError, Interrupted, Usage
from .options import DEFAULTS, Common, framed
from .output import plain, show_json

if TYPE_CHECKING:
    from .images.spread import Result
    from .progress import Shown
    from .workloads.patience import Patience
    from .workloads.session import Session

LOAD_S = 900.0
_LATER = "Nodes that join later do not have it: run this again then."


@framed
def load(
    cluster: str,
    image: str,
    /,
    *,
    name: str | None = None,
    metadata: Path | None = None,
    nodes: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    group: str | None = None,
    timeout_s: Annotated[float, Parameter(validator=Number(gt=0), show_default=True)] = LOAD_S,
    common: Common = DEFAULTS,
) -> int:
    """Put an image of this machine on the nodes of a cluster, without a registry.

    Nodes that have it already are passed over, so that a load which failed
    goes on when it is run again. Nodes that join later do not have it.

    Examples:

    jeroboam image load demo web:1

    jeroboam image load demo web.tar --nodes demo-worker-0,demo-worker-1

    jeroboam image load lxd-demo alpine.tar.gz --name alpine

    Parameters
    ----------
    cluster
        Name or uuid of the cluster.
    image
        Image of this machine's Docker, or a file: an archive of container images; on LXD a system image.
    name
        Name it has on the cluster; on LXD its alias. [default: its own; on LXD after the file]
    metadata
        Only LXD: metadata tarball of an image whose root file system is a file of its own.
    nodes
        Only these nodes, comma-separated; repeat for more. [default: all]
    group
        Only nodes of this node group.
    timeout_s
        Seconds that it may take in all.
    """
    from . import access
    from .workloads import session_of
    from .workloads.patience import Patience

    patience = Patience(timeout_s)
    with common.client() as client:
        found = client.cluster(cluster)
        coe, tls = access.coe_of(client, found)
        _refuse_others_options(coe, metadata, nodes, group)
        way = access.enter(client, found, coe, access.Use.of_command("image load", timeout_s), tls=tls)
    try:
        with session_of(way, verbose=common.verbose) as session, _progress(common) as shown:
            if coe == "lxd":
                told = _system_image(session, image, metadata, name, patience, shown)
            else:
                only = [one for text in nodes for one in text.split(",") if one]
                told = _container_image(session, coe, image, name, only, group, patience, shown)
    except KeyboardInterrupt:
        raise Interrupted("Stopped.", hint="Run it again: what is there already is passed over.") from None
    if common.json:
        show_json(told)
    else:
        _show(told, cluster)
    return 0


def _refuse_others_options(coe: str, metadata: Path | None, nodes: tuple[str, ...], group: str | None) -> None:
    if coe == "lxd" and (nodes or group is not None):
        option = "--nodes" if nodes else "--group"
        raise Usage(
            f"{option} does not fit LXD: it brings an image to each member that needs it.", hint="Leave it out."
        )
    if coe != "lxd" and metadata is not None:
        raise Usage("--metadata is for LXD; a container image is one file.", hint="Leave it out.")


def _progress(common: Common) -> AbstractContextManager[Shown]:
    from .progress import Silent, show_progress

    return nullcontext(Silent()) if common.json else show_progress()


def _system_image(
    session: Session, image: str, metadata: Path | None, name: str | None, patience: Patience, shown: Shown
) -> dict[str, Any]:
    from .images import lxd, system

    found = system.find(image, metadata, name)
    state, fingerprint = lxd.load(session, found, patience, shown)
    return {"image": found.alias, "id": fingerprint, "size": found.size, "state": state}


def _container_image(
    session: Session,
    coe: str,
    image: str,
    name: str | None,
    only: list[str],
    group: str | None,
    patience: Patience,
    shown: Shown,
) -> dict[str, Any]:
    from .images import local, nodes_of, spread

    tool = nodes_of(coe, session)
    wanted = spread.chosen(tool.nodes(), only, group)
    with local.opened(image, name, patience, shown) as archive:
        results = spread.spread(tool, wanted, archive, patience, shown)
        names = [{"image": name, "id": ident} for name, ident in archive.pairs]
        told = {"images": names, "size": archive.size, "nodes": [result.as_json() for result in results]}
    _refuse_failures(results, told)
    return told


def _refuse_failures(results: list[Result], told: dict[str, Any]) -> None:
    from .images.spread import FAILED

    failed = [result for result in results if result.state == FAILED]
    if failed:
        whys = "; ".join(f"{result.node}: {result.why.removesuffix('.')}" for result in failed)
        hint = "Run it again when that is mended: nodes that have it are passed over."
        raise CliError(f"{len(failed)} of {len(results)} nodes have not got it. {whys}.", hint=hint, details=told)


def _show(told: dict[str, Any], cluster: str) -> None:
    """What there is now, and the next command."""
    if "nodes" not in told:
        now = "is there already" if told["state"] == "present" else "is there"
        print(plain(f"Image {told['image']} {now} ({told['id'][:12]}). LXD brings it to each member that needs it."))
        first = told["image"]
    else:
        names, count = [one["image"] for one in told["images"]], len(told["nodes"])
        had = sum(one["state"] == "present" for one in told["nodes"])
        where = f"1 node of {cluster}" if count == 1 else f"{count} nodes of {cluster}"
        print(plain(f"{', '.join(names)}: on {where}{f', {had} of which had it' if had else ''}. {_LATER}"))
        first = names[0]
    print(f"Next: jeroboam run {shlex.quote(cluster)} --image {shlex.quote(plain(first))}")
