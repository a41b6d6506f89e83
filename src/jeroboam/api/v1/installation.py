"""/v1/mservices and /v1/stats."""

from __future__ import annotations

import msgspec

from ...domain.errors import InvalidRequest
from ...service import installation
from ..call import Call, Parameter, Reply, Route
from . import kinds
from .links import moment


class ServiceView(msgspec.Struct):
    """A conductor."""

    id: int
    host: str
    binary: str
    state: str
    report_count: int
    created_at: str | None
    updated_at: str | None
    disabled: bool = False
    disabled_reason: str | None = None


class MagnumServices(msgspec.Struct):
    """All of them."""

    mservices: list[ServiceView]


class Stats(msgspec.Struct):
    """How much there is."""

    clusters: int
    nodes: int


async def mservices(call: Call) -> Reply:
    """The conductors."""
    found = await installation.conductors(call.services, call.caller)
    shown = [
        ServiceView(
            id=one.conductor.id,
            host=one.conductor.host,
            binary=one.conductor.binary,
            state="up" if one.up else "down",
            report_count=one.conductor.report_count,
            created_at=moment(one.conductor.created_at),
            updated_at=moment(one.conductor.last_seen_at),
        )
        for one in found
    ]
    return Reply(MagnumServices(shown))


async def stats(call: Call) -> Reply:
    """Clusters and nodes of a project, or of all."""
    kind = call.query.get("type", "cluster")
    if kind.lower() != "cluster":
        raise InvalidRequest("Invalid stats type. Allowed values are 'cluster'", field="type", value=kind)
    found = await installation.totals(call.services, call.caller, call.query.get("project_id") or None)
    return Reply(Stats(found.clusters, found.nodes))


_STATS = {
    "project_id": Parameter(kinds.Text(least=0, most=None)),
    "type": Parameter(kinds.Text(least=0, most=None, pattern="[cC][lL][uU][sS][tT][eE][rR]")),
}
ROUTES = (
    Route("GET", "/mservices", mservices, reply=MagnumServices, rule="magnum-service:get_all"),
    Route("GET", "/stats", stats, query=_STATS, reply=Stats, rule="stats:get_all"),
)
CLOSED = ("/mservices/{ident:str}",)
"""Services are listed only, never looked at alone."""
