"""`jeroboam orphans`: what is left at the provider of clusters that are not kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .deletion import YES, Deletion, delete_each
from .errors import Usage
from .options import DEFAULTS, Common, framed
from .output import plain, show_json, show_table
from .wire import Json, segment

if TYPE_CHECKING:
    from .client import Client

Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@framed
def orphans(
    *clusters: str,
    remove: Flag = False,
    foreign: Flag = False,
    yes: YES = False,
    common: Common = DEFAULTS,
) -> int:
    """List, or remove, what carries the tag of a cluster that is not kept. For administrators.

    Examples:

    jeroboam orphans

    jeroboam orphans --remove

    Parameters
    ----------
    clusters
        Uuids of the clusters that they are of. [default: all that this installation made]
    remove
        Remove them.
    foreign
        Remove the named ones, too, of which nothing is recorded here: they may be another installation's.
    """
    if foreign and not clusters:
        raise Usage("--foreign needs the uuids.", hint="Name what you know to be nobody's.")
    with common.client() as client:
        found = [
            one
            for one in client.entries("ext/v1/orphans", "orphans")
            if not clusters or one["cluster_uuid"] in clusters
        ]
        if not remove:
            return _shown(found, clusters, common)
        names = clusters or tuple(str(one["cluster_uuid"]) for one in found if one["ours"])
        if not names and not common.json:
            print("There is nothing to remove.")
        return delete_each(names, _removal(client, foreign=foreign), common, question=_really, yes=yes)


def _removal(client: Client, *, foreign: bool) -> Deletion:
    params = {"foreign": "true"} if foreign else None

    def remove(one: Json) -> Json:
        document = client.send("DELETE", f"ext/v1/orphans/{segment(one['uuid'])}", params=params).document
        return document if isinstance(document, dict) else {}

    return Deletion(
        find=lambda uuid: {"uuid": uuid},
        delete=remove,
        told=lambda one: f"Removed of {one.get('cluster_uuid')}: {_told(one)}.",
    )


def _really(there: Sequence[Json]) -> str:
    return f"Remove all that is left of {', '.join(str(one['uuid']) for one in there)}?"


def _shown(found: list[Json], clusters: Sequence[str], common: Common) -> int:
    if common.json:
        show_json(found)
        return 0
    rows = [(one["cluster_uuid"], "yes" if one["ours"] else "unknown", _told(one)) for one in found]
    of = f" of {', '.join(clusters)}" if clusters else ""
    show_table(("CLUSTER", "OURS", "WHAT"), rows, nothing=plain(f"There are no orphans{of}."))
    if any(not one["ours"] for one in found):
        print(
            "Unknown: nothing is recorded here of that cluster; it may live, as another installation's on the same provider."
        )
    if ours := [plain(one["cluster_uuid"]) for one in found if one["ours"]]:
        print(f"Next: jeroboam orphans {''.join(f'{uuid} ' for uuid in ours if clusters)}--remove")
    return 0


def _told(one: Json) -> str:
    return ", ".join(f"{each.get('kind')} {each.get('name')}" for each in one.get("resources", [])) or "nothing"
