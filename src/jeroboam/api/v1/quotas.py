"""/v1/quotas."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from ...service import quotas
from ...service.quotas import Limit
from ..call import Call, Parameter, Reply, Route
from . import kinds, missing
from .bodies import ObjectBody
from .fields import Field
from .links import moment
from .paging import next_link, page, parameters

_ONE = "/quotas/{project:str}/{resource:str}"
_COLUMNS = {name: name for name in ("id", "project_id", "resource", "hard_limit", "created_at", "updated_at")}

_LIMIT = Field(kinds.Integer(least=0), default=1)
_READ_ONLY = {name: Field(kinds.Anything(), read_only=True) for name in ("id", "created_at", "updated_at")}
_BODY = ObjectBody(
    "quota",
    {
        "project_id": Field(kinds.Text(), mandatory=True),
        "resource": Field(kinds.OneOf(("Cluster",)), default="Cluster"),
        "hard_limit": _LIMIT,
        **_READ_ONLY,
    },
)
_CHANGE = ObjectBody(
    "quota", {"project_id": Field(kinds.Text()), "resource": Field(kinds.Text()), "hard_limit": _LIMIT, **_READ_ONLY}
)
_MARKER = kinds.Integer()
_LIST = {**parameters(_COLUMNS, marker=_MARKER), "all_tenants": Parameter(kinds.Boolean())}


class QuotaView(msgspec.Struct):
    """A limit. A default has neither id nor times."""

    project_id: str
    resource: str
    hard_limit: int
    id: int | UnsetType = UNSET
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET


class Quotas(msgspec.Struct):
    """A page of them."""

    quotas: list[QuotaView]
    next: str | UnsetType = UNSET


async def show(call: Call) -> Reply:
    """A project's limit, set or by default."""
    found = await quotas.get(call.services, call.caller, call.path["project"], call.path["resource"])
    return Reply(data=view(found))


async def list_all(call: Call) -> Reply:
    """Limits that were set."""
    wanted = page(call, _COLUMNS, marker=_MARKER)
    everywhere = kinds.Boolean().read("all_tenants", call.query.get("all_tenants", "false"))
    found = await quotas.list_all(call.services, call.caller, wanted, all_projects=everywhere)
    last = str(found[-1].id) if found else None
    return Reply(Quotas([view(one) for one in found], **next_link(call, "quotas", wanted, len(found), last)))


async def create(call: Call) -> Reply:
    """Set a limit."""
    values = await _BODY.read(call)
    made = await quotas.create(
        call.services, call.caller, values["project_id"], values["resource"], values["hard_limit"]
    )
    return Reply(view(made))


async def update(call: Call) -> Reply:
    """A plain object, no JSON-Patch; what is left out falls back to 1, as upstream has it."""
    values = await _CHANGE.read(call)
    project, resource = call.path["project"], call.path["resource"]
    for name, place in (("project_id", project), ("resource", resource)):
        if values[name] not in (None, place):
            raise kinds.wrong(name, values[name], f"The path says {place}.")
    made = await quotas.update(call.services, call.caller, project, resource, values["hard_limit"])
    return Reply(view(made))


async def delete(call: Call) -> Reply:
    """Back to the default."""
    await quotas.delete(call.services, call.caller, call.path["project"], call.path["resource"])
    return Reply()


def view(limit: Limit) -> QuotaView:
    """As it is shown."""
    shown = QuotaView(limit.project_id, limit.resource, limit.hard_limit)
    if limit.id is not None:
        shown.id = limit.id
        shown.created_at, shown.updated_at = moment(limit.created_at), moment(limit.updated_at)
    return shown


ROUTES = (
    Route("GET", "/quotas", list_all, query=_LIST, reply=Quotas, rule="quota:get_all"),
    Route("POST", "/quotas", create, body=_BODY, status=201, reply=QuotaView, rule="quota:create", refuses=(404, 409)),
    Route("GET", _ONE, show, reply=QuotaView, rule="quota:get"),
    Route("PATCH", _ONE, update, body=_CHANGE, status=202, reply=QuotaView, rule="quota:update"),
    Route("DELETE", _ONE, delete, status=204, rule="quota:delete"),
    *missing.routes("/quotas", "project_id"),
    *missing.routes("/quotas/{project:str}", "resource", "GET", "PATCH", "DELETE"),
)
