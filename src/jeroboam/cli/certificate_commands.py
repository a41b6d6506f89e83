"""`jeroboam cluster certificates`: who was given a certificate of a cluster, and what for."""

from __future__ import annotations

from .apps import cluster as cluster_app
from .moments import to_the_second
from .options import DEFAULTS, Common, framed
from .output import show_json, show_table
from .wire import Json, segment


@cluster_app.command
@framed
def certificates(cluster: str, /, *, common: Common = DEFAULTS) -> int:
    """List the certificates that were signed for a cluster: for whom, what for, when, and until when they open it.

    Example: jeroboam cluster certificates demo

    Parameters
    ----------
    cluster
        Name or uuid.
    """
    with common.client() as client:
        uuid = segment(client.cluster(cluster)["uuid"])
        found = client.get(f"ext/v1/clusters/{uuid}/certificates")["certificates"]
    if common.json:
        show_json(found)
        return 0
    rows = [_row(one) for one in found]
    nothing = "No certificate was signed. `jeroboam cluster config` asks for one."
    show_table(("SUBJECT", "CA", "FOR", "BY USER", "SIGNED", "VALID UNTIL"), rows, nothing=nothing)
    return 0


def _row(one: Json) -> tuple[object, ...]:
    purpose = one.get("purpose") or "-"  # older services do not tell it
    signed, ends = to_the_second(one["created_at"]), to_the_second(one["not_after"])
    return one["subject"], one["ca"], purpose, one["user_id"], signed, ends
