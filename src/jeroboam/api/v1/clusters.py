"""/v1/clusters: make, list, show, change, delete."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from ...contracts import ClusterRow
from ...domain.errors import InvalidRequest, NotFound
from ...service import changes, clusters
from ...service.changes import Update
from ..call import Call, Parameter, Reply, Route
from . import kinds, missing
from .bodies import ObjectBody, PatchBody
from .cluster_patch import INTERNAL, MANDATORY, update_of
from .cluster_wire import COLUMNS, FIELDS, ClusterFull, ClusterShort, full, short, wish_of
from .links import Accepted
from .paging import next_link, page, parameters

_TEMPLATE_404_SINCE = 10
_ROLLBACK_SINCE = 3
_BODY = ObjectBody("cluster", FIELDS)
_PATCH = PatchBody(INTERNAL, MANDATORY)
_LIST = parameters(COLUMNS)


class Clusters(msgspec.Struct):
    """A page of them."""

    clusters: list[ClusterShort]
    next: str | UnsetType = UNSET


class ClusterDetails(msgspec.Struct):
    """A page of them."""

    clusters: list[ClusterFull]
    next: str | UnsetType = UNSET


async def create(call: Call) -> Reply:
    """Ask for a cluster."""
    values = await _BODY.read(call)
    try:
        made = await clusters.create(call.services, call.asker, wish_of(values, call.version))
    except NotFound as error:
        if error.kind == "ClusterTemplate" and call.version.minor < _TEMPLATE_404_SINCE:
            raise InvalidRequest(error.message, field="cluster_template_id", value=error.ident) from None
        raise
    return Reply(Accepted(made.uuid))


async def list_all(call: Call) -> Reply:
    """Short views."""
    wanted = page(call, COLUMNS)
    rows = await clusters.list_all(call.services, call.caller, wanted)
    more = next_link(call, "clusters", wanted, len(rows), rows[-1].uuid if rows else None)
    return Reply(Clusters([short(row, call.host, call.version) for row in rows], **more))


async def detail(call: Call) -> Reply:
    """Full views."""
    wanted = page(call, COLUMNS)
    rows = await clusters.list_details(call.services, call.caller, wanted)
    parents = await clusters.parents(call.services, rows)
    more = next_link(call, "clusters/detail", wanted, len(rows), rows[-1].cluster.uuid if rows else None)
    shown = [full(r, parents.get(r.cluster.template_uuid), call.host, call.version, faults=False) for r in rows]
    return Reply(ClusterDetails(shown, **more))


async def show(call: Call) -> Reply:
    """One, with `faults` when it failed."""
    row = await clusters.get(call.services, call.caller, call.path["ident"])
    parents = await clusters.parents(call.services, [row])
    template = parents.get(row.cluster.template_uuid)
    return Reply(data=full(row, template, call.host, call.version, faults=True))


async def update(call: Call) -> Reply:
    """`rollback` is read and has no effect: a change that failed is asked for again, or its opposite, and converges from where it is."""
    rollback = call.query.get("rollback")
    if rollback is not None:
        if call.version.minor < _ROLLBACK_SINCE:
            raise InvalidRequest('Unknown argument: "rollback"', field="rollback")
        kinds.Boolean().read("rollback", rollback)
    entries = await _PATCH.read(call)

    def wish(row: ClusterRow) -> Update:
        return update_of(row, entries, call.version)

    return Reply(Accepted(await changes.update(call.services, call.asker, call.path["ident"], wish)))


async def delete(call: Call) -> Reply:
    """Ask for its end."""
    await clusters.delete(call.services, call.asker, call.path["ident"])
    return Reply()


ROUTES = (
    Route(
        "POST", "/clusters", create, body=_BODY, status=202, reply=Accepted, rule="cluster:create", refuses=(404, 409)
    ),
    Route("GET", "/clusters", list_all, query=_LIST, reply=Clusters, rule="cluster:get_all"),
    Route("GET", "/clusters/detail", detail, query=_LIST, reply=ClusterDetails, rule="cluster:detail"),
    Route("GET", "/clusters/{ident:str}", show, reply=ClusterFull, rule="cluster:get"),
    Route(
        "PATCH",
        "/clusters/{ident:str}",
        update,
        query={"rollback": Parameter(kinds.Boolean(), since=_ROLLBACK_SINCE)},
        body=_PATCH,
        status=202,
        reply=Accepted,
        rule="cluster:update",
    ),
    Route("DELETE", "/clusters/{ident:str}", delete, status=204, rule="cluster:delete"),
    *missing.routes("/clusters", "cluster_ident"),
    missing.no_detail("/clusters"),
)
