"""/v1/clustertemplates."""

from __future__ import annotations

from functools import partial

from ...domain import ClusterTemplate
from ...service import templates
from ..call import Call, Reply, Route
from . import fields, missing, patch
from .paging import PARAMETERS, next_link, page
from .template_wire import COLUMNS, MANDATORY, body_fields, changed, check_coe, document, view, wish_of

_PATH = "clustertemplates"


async def create(call: Call) -> Reply:
    """Make a template."""
    body = await call.json("cluster_template")
    values = fields.decode("cluster_template", body_fields(call.services), body)
    check_coe(body)
    made = await templates.create(call.services, call.asker, wish_of(values))
    return Reply(201, view(made, call.host), {"Location": f"{call.host}/v1/{_PATH}/{made.uuid}"})


async def list_all(call: Call, path: str = _PATH, rule: str = "get_all") -> Reply:
    """Full views, on both paths."""
    wanted = page(call, COLUMNS)
    found = await templates.list_all(call.services, call.caller, wanted, rule=rule)
    more = next_link(call, path, wanted, len(found), found[-1].uuid if found else None)
    return Reply(data={"clustertemplates": [view(one, call.host) for one in found], **more})


async def show(call: Call) -> Reply:
    """One."""
    return Reply(data=view(await templates.get(call.services, call.caller, call.path["ident"]), call.host))


async def update(call: Call) -> Reply:
    """Apply a JSON-Patch."""
    changes = patch.decode(await call.json("patch", patch=True), mandatory=MANDATORY)
    known = body_fields(call.services)

    def change(old: ClusterTemplate) -> ClusterTemplate:
        return changed(old, fields.decode("cluster_template", known, patch.apply(changes, document(old)), strict=True))

    made = await templates.update(call.services, call.asker, call.path["ident"], change)
    return Reply(data=view(made, call.host))


async def delete(call: Call) -> Reply:
    """Remove it."""
    await templates.delete(call.services, call.asker, call.path["ident"])
    return Reply(204)


ROUTES = (
    Route("POST", f"/{_PATH}", create),
    Route("GET", f"/{_PATH}", list_all, query=PARAMETERS),
    Route("GET", f"/{_PATH}/detail", partial(list_all, path=f"{_PATH}/detail", rule="detail"), query=PARAMETERS),
    Route("GET", f"/{_PATH}/{{ident:str}}", show),
    Route("PATCH", f"/{_PATH}/{{ident:str}}", update),
    Route("DELETE", f"/{_PATH}/{{ident:str}}", delete),
    *missing.routes(f"/{_PATH}", "cluster_template_ident"),
    missing.no_detail(f"/{_PATH}"),
)
