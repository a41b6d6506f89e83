"""/v1/clustertemplates."""

from __future__ import annotations

from functools import partial

import msgspec
from msgspec import UNSET, UnsetType

from ...domain import ClusterTemplate
from ...service import templates
from ..call import Call, Reply, Route
from . import fields, missing, patch
from .bodies import ObjectBody, PatchBody
from .paging import next_link, page, parameters
from .template_wire import (
    COLUMNS,
    FIELDS,
    MANDATORY,
    TemplateView,
    body_fields,
    changed,
    check_coe,
    document,
    view,
    wish_of,
)

_PATH = "clustertemplates"
_ONE = f"/{_PATH}/{{ident:str}}"
_BODY = ObjectBody("cluster_template", FIELDS, also_needed=("coe",))
_PATCH = PatchBody(mandatory=MANDATORY)
_LIST = parameters(COLUMNS)


class Templates(msgspec.Struct):
    """A page of them."""

    clustertemplates: list[TemplateView]
    next: str | UnsetType = UNSET


async def create(call: Call) -> Reply:
    """Make a template."""
    body = await call.json(_BODY.argument)
    values = fields.decode(_BODY.argument, body_fields(call.services), body)
    check_coe(body)
    made = await templates.create(call.services, call.asker, wish_of(values))
    return Reply(view(made, call.host), headers={"Location": f"{call.host}/v1/{_PATH}/{made.uuid}"})


async def list_all(call: Call, path: str = _PATH, rule: str = "get_all") -> Reply:
    """Full views, on both paths."""
    wanted = page(call, COLUMNS)
    found = await templates.list_all(call.services, call.caller, wanted, rule=rule)
    more = next_link(call, path, wanted, len(found), found[-1].uuid if found else None)
    return Reply(Templates([view(one, call.host) for one in found], **more))


async def show(call: Call) -> Reply:
    """One."""
    return Reply(view(await templates.get(call.services, call.caller, call.path["ident"]), call.host))


async def update(call: Call) -> Reply:
    """Apply a JSON-Patch."""
    changes = await _PATCH.read(call)

    known = body_fields(call.services)

    def change(old: ClusterTemplate) -> ClusterTemplate:
        return changed(old, fields.decode("cluster_template", known, patch.apply(changes, document(old)), strict=True))

    made = await templates.update(call.services, call.asker, call.path["ident"], change)
    return Reply(view(made, call.host))


async def delete(call: Call) -> Reply:
    """Remove it."""
    await templates.delete(call.services, call.asker, call.path["ident"])
    return Reply()


_detail = partial(list_all, path=f"{_PATH}/detail", rule="detail")
ROUTES = (
    Route(
        "POST",
        f"/{_PATH}",
        create,
        body=_BODY,
        status=201,
        reply=TemplateView,
        rule="clustertemplate:create",
        refuses=(409,),
    ),
    Route("GET", f"/{_PATH}", list_all, query=_LIST, reply=Templates, rule="clustertemplate:get_all"),
    Route("GET", f"/{_PATH}/detail", _detail, query=_LIST, reply=Templates, rule="clustertemplate:detail"),
    Route("GET", _ONE, show, reply=TemplateView, rule="clustertemplate:get"),
    Route("PATCH", _ONE, update, body=_PATCH, reply=TemplateView, rule="clustertemplate:update"),
    Route("DELETE", _ONE, delete, status=204, rule="clustertemplate:delete"),
    *missing.routes(f"/{_PATH}", "cluster_template_ident"),
    missing.no_detail(f"/{_PATH}"),
)
