"""/v1/mservices and /v1/stats."""

from __future__ import annotations

from ...domain.errors import InvalidRequest
from ...service import installation
from ..call import Call, Reply, Route
from .links import moment


async def mservices(call: Call) -> Reply:
    """The conductors."""
    found = await installation.conductors(call.services, call.caller)
    shown = [
        {
            "id": one.conductor.id,
            "host": one.conductor.host,
            "binary": one.conductor.binary,
            "state": "up" if one.up else "down",
            "report_count": one.conductor.report_count,
            "disabled": False,
            "disabled_reason": None,
            "created_at": moment(one.conductor.created_at),
            "updated_at": moment(one.conductor.last_seen_at),
        }
        for one in found
    ]
    return Reply(data={"mservices": shown})


async def stats(call: Call) -> Reply:
    """Clusters and nodes of a project, or of all."""
    kind = call.query.get("type", "cluster")
    if kind.lower() != "cluster":
        raise InvalidRequest("Invalid stats type. Allowed values are 'cluster'", field="type", value=kind)
    found = await installation.totals(call.services, call.caller, call.query.get("project_id") or None)
    return Reply(data={"clusters": found.clusters, "nodes": found.nodes})


ROUTES = (
    Route("GET", "/mservices", mservices),
    Route("GET", "/stats", stats, query=("project_id", "type")),
)
CLOSED = ("/mservices/{ident:str}",)
"""Services are listed only, never looked at alone."""
