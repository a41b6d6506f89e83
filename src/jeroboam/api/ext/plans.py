"""/ext/v1/clusters/plan and /ext/v1/clusters/{cluster}/plan: what a request would do. Nothing is changed."""

from __future__ import annotations

from typing import Any

from ...domain.errors import InvalidRequest, UserError
from ...service import previews
from ...service.label_check import LabelFinding
from ...service.previews import Move, Preview
from ..call import Call, Reply, Route
from ..v1 import fields
from ..v1.actions import RESIZE, UPGRADE, resize_of, upgrade_of
from ..v1.cluster_wire import FIELDS, WIRE_NAMES, wish_of
from ..v1.fields import Field

_OPERATION = {"operation": Field(fields.one_of("resize", "upgrade", "delete"), mandatory=True)}


async def of_create(call: Call) -> Reply:
    """Of a new cluster. The body is that of POST /v1/clusters."""
    values = fields.decode("cluster", FIELDS, await call.json("cluster"))
    return Reply(data=_shown(await previews.of_create(call.services, call.asker, wish_of(values, call.version))))


async def of_change(call: Call) -> Reply:
    """Of `operation` resize, upgrade or delete; the other fields are those of the action's own request."""
    body = await call.json("plan")
    if not isinstance(body, dict):
        raise fields.wrong("plan", body, f"Wrong type. Expected an object, got '{type(body)}'")
    named = {key: value for key, value in body.items() if key in _OPERATION}
    rest = {key: value for key, value in body.items() if key not in _OPERATION}
    operation = fields.decode("plan", _OPERATION, named)["operation"]
    return Reply(data=_shown(await _preview(call, operation, rest)))


async def _preview(call: Call, operation: str, body: dict[str, Any]) -> Preview:
    ident = call.path["ident"]
    if operation == "resize":
        wish = resize_of(fields.decode("cluster_resize_req", RESIZE, body))
        return await previews.of_resize(call.services, call.asker, ident, wish)
    if operation == "upgrade":
        target = upgrade_of(fields.decode("cluster_upgrade_req", UPGRADE, body))
        return await previews.of_upgrade(call.services, call.asker, ident, target)
    fields.decode("plan", {}, body)
    return await previews.of_delete(call.services, call.asker, ident)


def _shown(preview: Preview) -> dict[str, Any]:
    room = preview.room
    return {
        "operation": preview.kind,
        "possible": not preview.problems,
        "summary": preview.summary,
        "status": preview.status,
        "problems": [_problem(one) for one in preview.problems],
        "warnings": [_warning(one) for one in preview.warnings],
        "moves": [_move(one) for one in preview.moves],
        "quota": {"used": room.used, "limit": room.limit} if room else None,
    }


def _problem(error: UserError) -> dict[str, Any]:
    known = error if isinstance(error, InvalidRequest) else InvalidRequest("")
    return {
        "field": WIRE_NAMES.get(known.field, known.field),
        "value": None if known.value is None else str(known.value)[:200],
        "message": error.message,
        "hint": error.hint,
        "class": error.error_class,
    }


def _warning(found: LabelFinding) -> dict[str, Any]:
    return {"field": f"labels.{found.name}", "value": found.value, "message": found.message, "hint": found.hint}


def _move(move: Move) -> dict[str, Any]:
    return {
        "action": move.action,
        "kind": move.kind,
        "name": move.name,
        "node_group": move.group,
        "image_id": move.image_id,
        "flavor_id": move.flavor_id,
    }


ROUTES = (
    Route("POST", "/clusters/plan", of_create),
    Route("POST", "/clusters/{ident:str}/plan", of_change),
)
