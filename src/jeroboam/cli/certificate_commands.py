"""`jeroboam cluster certificates`: who was given a certificate of a cluster, and what for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from .apps import cluster as cluster_app
from .moments import parse, to_the_second
from .options import DEFAULTS, Common, framed
from .output import show_json, show_table
from .wire import Json, segment

_ALL = Annotated[bool, Parameter(name="--all", negative="", show_default=False)]


@cluster_app.command
@framed
def certificates(cluster: str, /, *, all_: _ALL = False, common: Common = DEFAULTS) -> int:
    """List the certificates signed for a cluster that have not ended: for whom, what for, when, and until when.

    Examples:

    jeroboam cluster certificates demo

    jeroboam cluster certificates demo --all

    Parameters
    ----------
    cluster
        Name or uuid.
    all_
        Those that have ended, too.
    """
    with common.client() as client:
        uuid = segment(client.cluster(cluster)["uuid"])
        found = client.get(f"ext/v1/clusters/{uuid}/certificates")["certificates"]
        now = client.now()
    shown = [one for one in found if all_ or not _ended(one, now)]
    if common.json:
        show_json(shown)
        return 0
    rows = [_row(one) for one in shown]
    nothing = "All certificates have ended." if found else "No certificate was signed."
    nothing += " `jeroboam cluster config` asks for one."
    show_table(("SUBJECT", "CA", "FOR", "BY USER", "SIGNED", "VALID UNTIL"), rows, nothing=nothing)
    if len(shown) < len(found):
        print(f"Not shown: {len(found) - len(shown)} that have ended; --all shows them.")
    return 0


def _ended(one: Json, now: datetime) -> bool:
    ends = parse(one["not_after"])
    return ends is not None and ends < now


def _row(one: Json) -> tuple[object, ...]:
    purpose = one.get("purpose") or "-"  # older services do not tell it
    signed, ends = to_the_second(one["created_at"]), to_the_second(one["not_after"])
    return one["subject"], one["ca"], purpose, one["user_id"], signed, ends
