"""/v1/federations: Magnum's stub."""

from __future__ import annotations

from functools import partial

import msgspec

from ...service import federations
from ..call import Call, Reply, Route
from . import kinds, missing
from .bodies import ObjectBody, PatchBody
from .fields import Field
from .links import Accepted
from .paging import page, parameters

_PATH = "/federations"
_COLUMNS = {name: name for name in ("id", "uuid", "name", "project_id", "hostcluster_id", "status", "created_at")}
_LIST = parameters(_COLUMNS)
_PATCH = PatchBody(mandatory=("hostcluster_id",))
_BODY = ObjectBody(
    "federation",
    {
        "uuid": Field(kinds.Uuid()),
        "name": Field(kinds.Text(most=242, pattern=r"^[a-zA-Z][a-zA-Z0-9_.-]*$")),
        "hostcluster_id": Field(kinds.Text(), mandatory=True),
        "member_ids": Field(kinds.Texts(), default=[]),
        "properties": Field(kinds.Labels(), default={}),
    },
)


class Federations(msgspec.Struct):
    """A page of none."""

    federations: list[str]


async def create(call: Call) -> Reply:
    """Check a wish for one."""
    values = await _BODY.read(call)
    host, members, properties = values["hostcluster_id"], values["member_ids"], values["properties"]
    return Reply(Accepted(await federations.create(call.services, call.asker, host, members, properties)))


async def list_all(call: Call, rule: str = "get_all") -> Reply:
    """There are none, so no marker is one of them."""
    wanted = page(call, _COLUMNS)
    federations.require(call.services, call.caller, rule)
    if wanted.marker is not None:
        federations.find(call.services, call.caller, rule, wanted.marker)
    return Reply(Federations([]))


async def show(call: Call) -> Reply:
    """Never there."""
    federations.find(call.services, call.caller, "get", call.path["ident"])


async def update(call: Call) -> Reply:
    """Never there; the patch is read first, as everywhere."""
    await _PATCH.read(call)
    federations.find(call.services, call.caller, "update", call.path["ident"])


async def delete(call: Call) -> Reply:
    """Never there."""
    federations.find(call.services, call.caller, "delete", call.path["ident"])


_detail = partial(list_all, rule="detail")
ROUTES = (
    Route("POST", _PATH, create, body=_BODY, status=202, reply=Accepted, rule="federation:create", refuses=(404, 409)),
    Route("GET", _PATH, list_all, query=_LIST, reply=Federations, rule="federation:get_all"),
    Route("GET", f"{_PATH}/detail", _detail, query=_LIST, reply=Federations, rule="federation:detail"),
    Route("GET", f"{_PATH}/{{ident:str}}", show, status=None, rule="federation:get"),
    Route("PATCH", f"{_PATH}/{{ident:str}}", update, body=_PATCH, status=None, rule="federation:update"),
    Route("DELETE", f"{_PATH}/{{ident:str}}", delete, status=None, rule="federation:delete"),
    *missing.routes(_PATH, "federation_ident"),
    missing.no_detail(_PATH),
)
