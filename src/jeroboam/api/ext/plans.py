"""/ext/v1/clusters/plan and /ext/v1/clusters/{cluster}/plan: what a request would do. Nothing is changed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import msgspec

from ...domain.errors import InvalidRequest, UserError
from ...service import previews
from ...service.label_check import LabelFinding
from ...service.previews import Move, Preview
from ..call import Call, Reply, Route
from ..v1 import group_wire, kinds
from ..v1.actions import RESIZE, UPGRADE, resize_of, upgrade_of
from ..v1.bodies import ObjectBody
from ..v1.cluster_wire import FIELDS, WIRE_NAMES, wish_of
from ..v1.fields import Field

_CREATE = ObjectBody("cluster", FIELDS)
_OPERATIONS = {
    "resize": RESIZE,
    "upgrade": UPGRADE,
    "nodegroup_create": ObjectBody("nodegroup", group_wire.BODY),
    "delete": ObjectBody("plan", {}),
}
_OPERATION = ObjectBody("plan", {"operation": Field(kinds.OneOf(tuple(_OPERATIONS)), mandatory=True)})


class ChangeBody:
    """An `operation` and the fields of its own request."""

    media_types: ClassVar[Collection[str]] = ("application/json",)

    async def read(self, call: Call) -> tuple[str, dict[str, Any]]:
        """Both. Raises InvalidRequest and what `Call.json` raises."""
        body = await call.json("plan")
        if not isinstance(body, dict):
            raise kinds.wrong("plan", body, f"Wrong type. Expected an object, got '{type(body)}'")
        named = {key: value for key, value in body.items() if key in _OPERATION.fields}
        rest = {key: value for key, value in body.items() if key not in _OPERATION.fields}
        operation = _OPERATION.decode(named)["operation"]
        return operation, _OPERATIONS[operation].decode(rest)

    def schema(self) -> kinds.Schema:
        """One of the objects."""
        return {"type": "object", "anyOf": [self._of(name) for name in _OPERATIONS]}

    @staticmethod
    def _of(name: str) -> kinds.Schema:
        operation = Field(kinds.OneOf((name,)), mandatory=True)
        return ObjectBody("plan", {"operation": operation, **_OPERATIONS[name].fields}).schema()


_CHANGE = ChangeBody()


class ProblemView(msgspec.Struct):
    """What stands against it. `field` is `labels.NAME` of a label, and empty when it is no field's fault."""

    field: str
    value: str | None
    message: str
    hint: str
    class_: str = msgspec.field(name="class")


class WarningView(msgspec.Struct):
    """What will not do what its writer thinks."""

    field: str
    value: str
    message: str
    hint: str


class MoveView(msgspec.Struct):
    """One thing that would be made, replaced or removed. The last three are null for what is no machine."""

    action: str
    kind: str
    name: str
    node_group: str | None
    image_id: str | None
    flavor_id: str | None


class RoomView(msgspec.Struct):
    """The project's clusters."""

    used: int
    limit: int


class PlanView(msgspec.Struct):
    """What would be done. `status` is what the cluster would show meanwhile; null where nothing would be done, or it is not possible."""

    operation: str
    possible: bool
    summary: str
    status: str | None
    problems: list[ProblemView]
    warnings: list[WarningView]
    moves: list[MoveView]
    quota: RoomView | None


async def of_create(call: Call) -> Reply:
    """Of a new cluster. The body is that of POST /v1/clusters."""
    wish = wish_of(await _CREATE.read(call), call.version)
    return Reply(_shown(await previews.of_create(call.services, call.asker, wish)))


async def of_change(call: Call) -> Reply:
    """Of `operation` resize, upgrade, nodegroup_create or delete; the other fields are those of the action's own request."""
    operation, values = await _CHANGE.read(call)
    return Reply(_shown(await _preview(call, operation, values)))


async def _preview(call: Call, operation: str, values: dict[str, Any]) -> Preview:
    ident = call.path["ident"]
    if operation == "resize":
        return await previews.of_resize(call.services, call.asker, ident, resize_of(values))
    if operation == "upgrade":
        return await previews.of_upgrade(call.services, call.asker, ident, upgrade_of(values))
    if operation == "nodegroup_create":
        return await previews.of_new_group(call.services, call.asker, ident, group_wire.wish_of(values))
    return await previews.of_delete(call.services, call.asker, ident)


def _shown(preview: Preview) -> PlanView:
    possible = not preview.problems
    return PlanView(
        operation=preview.kind,
        possible=possible,
        summary=preview.summary,
        status=preview.status if possible else None,
        problems=[_problem(one) for one in preview.problems],
        warnings=[_warning(one) for one in preview.warnings],
        moves=[_move(one) for one in preview.moves],
        quota=RoomView(*preview.room) if preview.room else None,
    )


def _problem(error: UserError) -> ProblemView:
    known = error if isinstance(error, InvalidRequest) else InvalidRequest("")
    return ProblemView(
        field=WIRE_NAMES.get(known.field, known.field),
        value=None if known.value is None else str(known.value)[:200],
        message=error.message,
        hint=error.hint,
        class_=error.error_class,
    )


def _warning(found: LabelFinding) -> WarningView:
    return WarningView(found.field, found.value, found.message, found.hint)


def _move(move: Move) -> MoveView:
    return MoveView(move.action, move.kind, move.name, move.group, move.image_id, move.flavor_id)


ROUTES = (
    Route("POST", "/clusters/plan", of_create, body=_CREATE, reply=PlanView, rule="cluster:create", refuses=(404, 409)),
    Route("POST", "/clusters/{ident:str}/plan", of_change, body=_CHANGE, reply=PlanView, refuses=(403,)),
)
