"""/v1/clusters/{cluster}/actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...domain.errors import InvalidRequest
from ...service import abilities, changes
from ...service.abilities import UpgradeWish
from ...service.changes import Resize
from ...service.clusters import ZERO_NODES
from ..call import Call, Reply, Route
from . import fields
from .fields import Field

_ZERO_SINCE = 10
_UPGRADE_SINCE = 8
RESIZE = {
    "node_count": Field(fields.integer(least=0), mandatory=True),
    "nodes_to_remove": Field(fields.texts, default=[]),
    "nodegroup": Field(fields.text()),
}
UPGRADE = {
    "cluster_template": Field(fields.text(), mandatory=True),
    "max_batch_size": Field(fields.integer(least=1)),
    "nodegroup": Field(fields.text()),
}


async def resize(call: Call) -> Reply:
    """Change the number of nodes of a group."""
    values = fields.decode("cluster_resize_req", RESIZE, await call.json("cluster_resize_req"))
    if values["node_count"] == 0 and call.version.minor < _ZERO_SINCE:
        raise InvalidRequest(ZERO_NODES, field="node_count", value=0)
    uuid = await changes.resize(call.services, call.asker, call.path["ident"], resize_of(values))
    return Reply(202, {"uuid": uuid})


async def upgrade(call: Call) -> Reply:
    """Take a cluster or group to another template."""
    if call.version.minor < _UPGRADE_SINCE:
        raise InvalidRequest("Cluster upgrade is not supported in the provided microversion.")
    values = fields.decode("cluster_upgrade_req", UPGRADE, await call.json("cluster_upgrade_req"))
    uuid = await abilities.upgrade(call.services, call.asker, call.path["ident"], upgrade_of(values))
    return Reply(202, {"uuid": uuid})


def resize_of(values: Mapping[str, Any]) -> Resize:
    """The wish in the fields of `RESIZE`."""
    return Resize(values["node_count"], tuple(values["nodes_to_remove"]), values["nodegroup"])


def upgrade_of(values: Mapping[str, Any]) -> UpgradeWish:
    """The wish in the fields of `UPGRADE`."""
    return UpgradeWish(values["cluster_template"], values["max_batch_size"], values["nodegroup"])


ROUTES = (
    Route("POST", "/clusters/{ident:str}/actions/resize", resize, since=7, listed=False),
    Route("POST", "/clusters/{ident:str}/actions/upgrade", upgrade, since=7, listed=False),
)
CLOSED = ("/clusters/{ident:str}/actions", "/clusters/{ident:str}/actions/{action:str}")
"""What is no action is a method that is not allowed, in Magnum's eyes."""
