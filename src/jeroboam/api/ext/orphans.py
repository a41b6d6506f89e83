"""/ext/v1/orphans: what is left at the provider of clusters that are not kept. For administrators."""

from __future__ import annotations

import msgspec

from ...service import orphans
from ...service.orphans import Orphan
from ..call import Call, Parameter, Reply, Route
from ..v1 import kinds


class ResourceView(msgspec.Struct):
    """Something at the provider. `kind` is the provider's word."""

    kind: str
    id: str
    name: str


class OrphanView(msgspec.Struct):
    """All that is left of one cluster. `ours`: this installation made it."""

    cluster_uuid: str
    ours: bool
    resources: list[ResourceView]


class Orphans(msgspec.Struct):
    """All that there are."""

    orphans: list[OrphanView]


async def list_all(call: Call) -> Reply:
    """What carries the tag of a cluster that is not kept."""
    found = await orphans.list_all(call.services, call.caller)
    return Reply(Orphans([_view(one) for one in found]))


async def remove(call: Call) -> Reply:
    """Remove all that is left of one cluster; answers what was deleted. `foreign` for what this installation knows nothing of."""
    foreign = kinds.Boolean().read("foreign", call.query.get("foreign", "false"))
    return Reply(_view(await orphans.remove(call.services, call.asker, call.path["uuid"], foreign=foreign)))


def _view(one: Orphan) -> OrphanView:
    return OrphanView(one.cluster_uuid, one.ours, [ResourceView(r.kind, r.id, r.name) for r in one.resources])


ROUTES = (
    Route("GET", "/orphans", list_all, reply=Orphans, rule="orphan:get_all"),
    Route(
        "DELETE",
        "/orphans/{uuid:str}",
        remove,
        query={"foreign": Parameter(kinds.Boolean())},
        reply=OrphanView,
        rule="orphan:delete",
        refuses=(409,),
    ),
)
