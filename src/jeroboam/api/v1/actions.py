"""/v1/clusters/{cluster}/actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...domain.errors import InvalidRequest
from ...service import abilities, changes
from ...service.abilities import UpgradeWish
from ...service.changes import Resize
from ...service.clusters import ZERO_NODES
from ..call import Call, Endpoint, Reply, Route
from . import kinds
from .bodies import ObjectBody
from .fields import Field
from .links import Accepted

_ZERO_SINCE = 10
_UPGRADE_SINCE = 8
RESIZE = ObjectBody(
    "cluster_resize_req",
    {
        "node_count": Field(kinds.Integer(least=0), mandatory=True),
        "nodes_to_remove": Field(kinds.Texts(), default=[]),
        "nodegroup": Field(kinds.Text()),
    },
)
UPGRADE = ObjectBody(
    "cluster_upgrade_req",
    {
        "cluster_template": Field(kinds.Text(), mandatory=True),
        "max_batch_size": Field(kinds.Integer(least=1)),
        "nodegroup": Field(kinds.Text()),
    },
)


async def resize(call: Call) -> Reply:
    """Change the number of nodes of a group."""
    values = await RESIZE.read(call)
    if values["node_count"] == 0 and call.version.minor < _ZERO_SINCE:
        raise InvalidRequest(ZERO_NODES, field="node_count", value=0)
    return Reply(Accepted(await changes.resize(call.services, call.asker, call.path["ident"], resize_of(values))))


async def upgrade(call: Call) -> Reply:
    """Take a cluster or group to another template."""
    if call.version.minor < _UPGRADE_SINCE:
        raise InvalidRequest("Cluster upgrade is not supported in the provided microversion.")
    values = await UPGRADE.read(call)
    return Reply(Accepted(await abilities.upgrade(call.services, call.asker, call.path["ident"], upgrade_of(values))))


def resize_of(values: Mapping[str, Any]) -> Resize:
    """The wish in the fields of `RESIZE`."""
    return Resize(values["node_count"], tuple(values["nodes_to_remove"]), values["nodegroup"])


def upgrade_of(values: Mapping[str, Any]) -> UpgradeWish:
    """The wish in the fields of `UPGRADE`."""
    return UpgradeWish(values["cluster_template"], values["max_batch_size"], values["nodegroup"])


def _route(name: str, endpoint: Endpoint, body: ObjectBody) -> Route:
    return Route(
        "POST",
        f"/clusters/{{ident:str}}/actions/{name}",
        endpoint,
        since=7,
        body=body,
        status=202,
        reply=Accepted,
        rule=f"cluster:{name}",
        listed=False,
    )


ROUTES = (
    _route("resize", resize, RESIZE),
    _route("upgrade", upgrade, UPGRADE),
)
CLOSED = ("/clusters/{ident:str}/actions", "/clusters/{ident:str}/actions/{action:str}")
"""What is no action is a method that is not allowed, in Magnum's eyes."""
