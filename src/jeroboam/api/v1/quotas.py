"""/v1/quotas."""

from __future__ import annotations

from typing import Any

from ...service import quotas
from ...service.quotas import Limit
from ..call import Call, Reply, Route
from . import fields, missing
from .fields import Field
from .links import moment
from .paging import PARAMETERS, next_link, page

_COLUMNS = {name: name for name in ("id", "project_id", "resource", "hard_limit", "created_at", "updated_at")}

_LIMIT = Field(fields.integer(least=0), default=1)
_READ_ONLY = {name: Field(fields.anything, read_only=True) for name in ("id", "created_at", "updated_at")}
_FIELDS = {
    "project_id": Field(fields.text(), mandatory=True),
    "resource": Field(fields.one_of("Cluster"), default="Cluster"),
    "hard_limit": _LIMIT,
    **_READ_ONLY,
}
_CHANGEABLE = {"project_id": Field(fields.text()), "resource": Field(fields.text()), "hard_limit": _LIMIT, **_READ_ONLY}


async def show(call: Call) -> Reply:
    """A project's limit, set or by default."""
    found = await quotas.get(call.services, call.caller, call.path["project"], call.path["resource"])
    return Reply(data=view(found))


async def list_all(call: Call) -> Reply:
    """Limits that were set."""
    wanted = page(call, _COLUMNS, marker=fields.integer())
    everywhere = fields.boolean("all_tenants", call.query.get("all_tenants", "false"), False)
    found = await quotas.list_all(call.services, call.caller, wanted, all_projects=everywhere)
    last = str(found[-1].id) if found else None
    return Reply(data={"quotas": [view(one) for one in found], **next_link(call, "quotas", wanted, len(found), last)})


async def create(call: Call) -> Reply:
    """Set a limit."""
    values = fields.decode("quota", _FIELDS, await call.json("quota"))
    made = await quotas.create(
        call.services, call.caller, values["project_id"], values["resource"], values["hard_limit"]
    )
    return Reply(201, view(made))


async def update(call: Call) -> Reply:
    """A plain object, no JSON-Patch; what is left out falls back to 1, as upstream has it."""
    values = fields.decode("quota", _CHANGEABLE, await call.json("quota"))
    project, resource = call.path["project"], call.path["resource"]
    for name, place in (("project_id", project), ("resource", resource)):
        if values[name] not in (None, place):
            raise fields.wrong(name, values[name], f"The path says {place}.")
    made = await quotas.update(call.services, call.caller, project, resource, values["hard_limit"])
    return Reply(202, view(made))


async def delete(call: Call) -> Reply:
    """Back to the default."""
    await quotas.delete(call.services, call.caller, call.path["project"], call.path["resource"])
    return Reply(204)


def view(limit: Limit) -> dict[str, Any]:
    """A default has neither id nor times."""
    shown: dict[str, Any] = {
        "project_id": limit.project_id,
        "resource": limit.resource,
        "hard_limit": limit.hard_limit,
    }
    if limit.id is not None:
        shown |= {"id": limit.id, "created_at": moment(limit.created_at), "updated_at": moment(limit.updated_at)}
    return shown


ROUTES = (
    Route("GET", "/quotas", list_all, query=(*PARAMETERS, "all_tenants")),
    Route("POST", "/quotas", create),
    Route("GET", "/quotas/{project:str}/{resource:str}", show),
    Route("PATCH", "/quotas/{project:str}/{resource:str}", update),
    Route("DELETE", "/quotas/{project:str}/{resource:str}", delete),
    *missing.routes("/quotas", "project_id"),
    *missing.routes("/quotas/{project:str}", "resource", "GET", "PATCH", "DELETE"),
)
