"""The next move after a refusal: the names that there are, or those nearest to the one that was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from .errors import CliError

if TYPE_CHECKING:
    from .client import Client

_MANY = 12  # more names are no hint but a list
_ASKED_FOR = 200  # names that are compared
_BUILD = "On the service's machine, `jeroboam image list` shows those that exist and `jeroboam image build` makes one."
_SAYINGS = (
    (
        re.compile(r"Unable to find (?:external network|fixed network|fixed subnet) .+\."),
        "The operator tells which there are; without the option the service chooses.",
    ),
    (
        re.compile(r"Unable to find keypair .+\."),
        "On an OpenStack cloud `openstack keypair list` shows yours; without the option nodes have no key of yours.",
    ),
    (
        re.compile(r"Nothing is recorded here of a cluster .+"),
        "`jeroboam orphans UUID --remove --foreign` removes it all the same.",
    ),
    (
        re.compile(r"Operation .+ could not be found\."),
        "`jeroboam operation list CLUSTER` shows those of a cluster, by uuid.",
    ),
)
_IN_USE = re.compile(r"ClusterTemplate (.+) is referenced by one or multiple clusters\.")
_ALIKE = "Multiple ClusterTemplates exist with same name."


@dataclass(frozen=True)
class Kind:
    """Something that is called by name. `refusal` finds the asked name; the list of all is under `key` at `path`, where the first group
    of `place` in the refused path stands for {}. `short` lists are shown whole; `more` says how to see them all."""

    refusal: re.Pattern[str]
    path: str
    key: str
    more: str = ""
    short: bool = True
    place: re.Pattern[str] = re.compile("()")


_KINDS = (
    Kind(
        re.compile(r"Cluster (.+) could not be found\."),
        "v1/clusters",
        "clusters",
        "`jeroboam cluster list` shows those that exist.",
        short=False,
    ),
    Kind(
        re.compile(r"ClusterTemplate (.+) could not be found\."),
        "v1/clustertemplates",
        "clustertemplates",
        "`jeroboam template list` shows those that exist.",
        short=False,
    ),
    Kind(
        re.compile(r"Nodegroup (.+) could not be found\."),
        "v1/clusters/{}/nodegroups",
        "nodegroups",
        place=re.compile("v1/clusters/([^/]+)/"),
    ),
    Kind(
        re.compile(r"Unable to find flavor (.+)\."), "ext/v1/flavors", "flavors", "`jeroboam flavor list` shows them."
    ),
    Kind(re.compile(r"Image (.+) could not be found\."), "ext/v1/images", "images", _BUILD),
    Kind(re.compile(r"Cluster driver \((.+)\) not supported\."), "ext/v1/drivers", "drivers"),
)


def after(client: Client, message: str, path: str, body: Any) -> str:
    """What may help after the service refused a request for this `path` with `message`; "" when nothing is known. Asks the service
    for names, and does without when it does not tell them."""
    if alike := _several(message, body):
        return _alike(client, alike)
    if in_use := _IN_USE.fullmatch(message):
        return _users(client, in_use[1])
    if saying := next((words for refusal, words in _SAYINGS if refusal.fullmatch(message)), ""):
        return saying
    for kind in _KINDS:
        if found := kind.refusal.fullmatch(message):
            return f"{_among(found[1], _names(client, kind, path), short=kind.short)} {kind.more}".strip()
    return ""


def in_our_words(message: str, body: Any) -> str:
    """The refusal of a request with this body, as all commands say it."""
    alike = _several(message, body)
    return several("template", alike) if alike else message


def several(kind: str, name: str) -> str:
    """More than one thing bears the name."""
    return f"Several {kind}s are called {name!r}."


def _several(message: str, body: Any) -> str:
    """The template's name, where a request named several by it; else ""."""
    if not message.startswith(_ALIKE) or not isinstance(body, dict):
        return ""
    return str(body.get("cluster_template_id") or body.get("cluster_template") or "")


def _names(client: Client, kind: Kind, refused: str) -> list[str]:
    place = kind.place.search(refused)
    if place is None:
        return []
    try:
        entries = client.entries(kind.path.format(place[1]), kind.key, limit=None if kind.short else _ASKED_FOR)
    except CliError:  # the refusal itself is what counts
        return []
    return sorted({str(one.get("name")) for one in entries})


def _among(asked: str, names: Sequence[str], *, short: bool) -> str:
    near = get_close_matches(asked, names, n=3)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are: {', '.join(names)}." if short and 0 < len(names) <= _MANY else ""


def _alike(client: Client, name: str) -> str:
    try:
        entries = client.entries("v1/clustertemplates", "clustertemplates")
    except CliError:
        return ""
    uuids = [str(one.get("uuid")) for one in entries if one.get("name") == name]
    return f"Name one by its uuid: {', '.join(uuids)}." if uuids else ""


def _users(client: Client, template_uuid: str) -> str:
    try:
        clusters = client.entries("v1/clusters", "clusters", limit=_ASKED_FOR)
    except CliError:
        return ""
    names = [str(one.get("name")) for one in clusters if one.get("cluster_template_id") == template_uuid]
    shown = ", ".join(names[:_MANY]) + (" and others" if len(names) > _MANY else "")
    return f"Delete its clusters first: {shown}." if names else ""
