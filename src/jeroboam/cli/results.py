"""What a command that changed a cluster prints at its end, and the next command."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from . import waiting
from .errors import CliError
from .options import Common
from .output import plain, show_json
from .wire import Json

if TYPE_CHECKING:
    from .client import Answer, Client


def accepted(client: Client, cluster: Json, sentence: str, common: Common, *, handle: str | None = None) -> int:
    """The service took the request; it works on. `handle` is what commands may call the cluster, where that is known."""
    if common.json:
        show_json(cluster)
    else:
        print(plain(sentence))
        print(f"Next: jeroboam cluster watch {shlex.quote(plain(handle or client.handle(cluster)))}")
    return 0


def settled(client: Client, cluster: Json, common: Common, *, opened: bool = False, handle: str | None = None) -> int:
    """The request is done. `opened`: nobody has access yet, or none any more. `handle` as for `accepted`."""
    if common.json:
        show_json(cluster)
        return 0
    address = f" at {plain(cluster['api_address'])}" if cluster.get("api_address") else ""
    print(f"Cluster {plain(cluster.get('name'))}: {plain(cluster.get('status'))}{address}")
    if opened:
        print(f"Next: jeroboam cluster config {shlex.quote(plain(handle or client.handle(cluster)))}")
    return 0


def changed(
    client: Client,
    uuid: str,
    answer: Answer,
    told: str,
    common: Common,
    timeout_s: float | None,
    *,
    opened: bool = False,
) -> int:
    """After a request that changes a cluster: `told` and what to type next, or with `timeout_s` (of --wait) its end, where what was
    `opened` is told as by `settled`.

    Raises what `waiting.until_done` raises.
    """
    if timeout_s is None:
        try:
            made = waiting.made_by(client.operations(uuid), "update", answer.request_id)
            cluster = client.cluster(uuid)
        except CliError:  # the change is accepted, whatever else can be asked
            return accepted(client, {"uuid": uuid}, told, common, handle=uuid)
        if made:
            return accepted(client, cluster, told, common)
        _tell_that_it_is_so(common)
    elif not waiting.until_done(client, uuid, "update", answer.request_id, common, timeout_s):
        _tell_that_it_is_so(common)
    return settled(client, client.cluster(uuid), common, opened=opened)


def _tell_that_it_is_so(common: Common) -> None:
    if not common.json:
        print("Nothing was to do: it is so already.")


def warn_of_namesakes(client: Client, thing: Json, common: Common, kind: str = "cluster") -> str:
    """On stderr, when others of its kind have the name of this one; returns what commands may call it."""
    handle = client.handle(thing, {"cluster": "v1/clusters", "template": "v1/clustertemplates"}[kind])
    if not common.json and handle != thing.get("name"):
        name = plain(thing.get("name"))
        print(f"Warning: another {kind} is called {name!r}, too. Commands know this one by its uuid.", file=sys.stderr)
    return handle
