"""/v1/federations: Magnum's stub."""

from __future__ import annotations

from ...service import federations
from ..call import Call, Reply, Route
from . import fields, missing, patch
from .fields import Field
from .paging import PARAMETERS, page

_PATH = "/federations"
_COLUMNS = {name: name for name in ("id", "uuid", "name", "project_id", "hostcluster_id", "status", "created_at")}
_FIELDS = {
    "uuid": Field(fields.uuid),
    "name": Field(fields.text(most=242, pattern=r"^[a-zA-Z][a-zA-Z0-9_.-]*$")),
    "hostcluster_id": Field(fields.text(), mandatory=True),
    "member_ids": Field(fields.texts, default=[]),
    "properties": Field(fields.labels, default={}),
}


async def create(call: Call) -> Reply:
    """Check a wish for one."""
    values = fields.decode("federation", _FIELDS, await call.json("federation"))
    host, members, properties = values["hostcluster_id"], values["member_ids"], values["properties"]
    return Reply(202, {"uuid": await federations.create(call.services, call.asker, host, members, properties)})


async def list_all(call: Call) -> Reply:
    """There are none, so no marker is one of them."""
    wanted = page(call, _COLUMNS)
    federations.require(call.services, call.caller, "get_all")
    if wanted.marker is not None:
        federations.find(call.services, call.caller, "get_all", wanted.marker)
    return Reply(data={"federations": []})


async def show(call: Call) -> Reply:
    """Never there."""
    federations.find(call.services, call.caller, "get", call.path["ident"])


async def update(call: Call) -> Reply:
    """Never there; the patch is read first, as everywhere."""
    patch.decode(await call.json("patch", patch=True), mandatory=("hostcluster_id",))
    federations.find(call.services, call.caller, "update", call.path["ident"])


async def delete(call: Call) -> Reply:
    """Never there."""
    federations.find(call.services, call.caller, "delete", call.path["ident"])


ROUTES = (
    Route("POST", _PATH, create),
    Route("GET", _PATH, list_all, query=PARAMETERS),
    Route("GET", f"{_PATH}/detail", list_all, query=PARAMETERS),
    Route("GET", f"{_PATH}/{{ident:str}}", show),
    Route("PATCH", f"{_PATH}/{{ident:str}}", update),
    Route("DELETE", f"{_PATH}/{{ident:str}}", delete),
    *missing.routes(_PATH, "federation_ident"),
    missing.no_detail(_PATH),
)
