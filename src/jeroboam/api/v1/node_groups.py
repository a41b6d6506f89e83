"""/v1/clusters/{cluster}/nodegroups."""

from __future__ import annotations

from ...domain import NodeGroup
from ...service import group_changes, node_groups
from ..call import Call, Reply, Route
from . import fields, missing, patch
from .group_wire import BODY, CHANGEABLE, COLUMNS, changed, document, fresh, full, short, wish_of
from .paging import PARAMETERS, next_link, page

_PATH = "/clusters/{cluster:str}/nodegroups"
_SINCE = 9


async def list_all(call: Call) -> Reply:
    """Short views, of one role if it is asked for."""
    wanted = page(call, COLUMNS)
    row, found = await node_groups.list_all(
        call.services, call.caller, call.path["cluster"], wanted, role=call.query.get("role")
    )
    path = f"clusters/{row.cluster.uuid}/nodegroups"
    more = next_link(call, path, wanted, len(found), found[-1].uuid if found else None)
    return Reply(data={"nodegroups": [short(one, row.cluster.backend_id) for one in found], **more})


async def show(call: Call) -> Reply:
    """One."""
    row, group = await node_groups.get(call.services, call.caller, call.path["cluster"], call.path["ident"])
    return Reply(data=full(group, row, call.host))


async def create(call: Call) -> Reply:
    """Ask for a group."""
    values = fields.decode("nodegroup", BODY, await call.json("nodegroup"))
    row, group = await group_changes.create(call.services, call.asker, call.path["cluster"], wish_of(values))
    return Reply(202, fresh(group, row, call.host))


async def update(call: Call) -> Reply:
    """Change limits, node labels, taints."""
    entries = patch.decode(await call.json("patch", patch=True), only=CHANGEABLE)

    def change(old: NodeGroup) -> NodeGroup:
        return changed(old, patch.apply(entries, document(old)))

    place = call.path["cluster"], call.path["ident"]
    row, group = await group_changes.update(call.services, call.asker, *place, change)
    return Reply(202, full(group, row, call.host))


async def delete(call: Call) -> Reply:
    """Ask for its end."""
    await group_changes.delete(call.services, call.asker, call.path["cluster"], call.path["ident"])
    return Reply(204)


ROUTES = (
    Route("POST", _PATH, create, since=_SINCE),
    Route("PATCH", f"{_PATH}/{{ident:str}}", update, since=_SINCE),
    Route("DELETE", f"{_PATH}/{{ident:str}}", delete, since=_SINCE),
    Route("GET", _PATH, list_all, since=_SINCE, query=(*PARAMETERS, "role")),
    Route("GET", f"{_PATH}/{{ident:str}}", show, since=_SINCE),
    *missing.routes(_PATH, "nodegroup_id", since=_SINCE),
)
