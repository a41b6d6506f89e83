"""What a command that changed a cluster prints at its end, and the next command."""

from __future__ import annotations

import shlex

from .options import Common
from .output import plain, show_json
from .wire import Json


def accepted(cluster: Json, sentence: str, common: Common) -> int:
    """The service took the request; it works on."""
    if common.json:
        show_json(cluster)
    else:
        print(plain(sentence))
        print(f"Next: jeroboam cluster watch {shlex.quote(plain(cluster.get('name')))}")
    return 0


def settled(cluster: Json, common: Common) -> int:
    """The request is done."""
    if common.json:
        show_json(cluster)
    else:
        address = f" at {plain(cluster['api_address'])}" if cluster.get("api_address") else ""
        print(f"Cluster {plain(cluster.get('name'))}: {plain(cluster.get('status'))}{address}")
        print(f"Next: jeroboam cluster config {shlex.quote(plain(cluster.get('name')))}")
    return 0
