"""/v1/clusters/{cluster}/nodegroups."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from ...domain import NodeGroup
from ...service import group_changes, node_groups
from ..call import Call, Parameter, Reply, Route
from . import kinds, missing, patch
from .bodies import ObjectBody, PatchBody
from .group_wire import (
    BODY,
    CHANGEABLE,
    COLUMNS,
    GroupFresh,
    GroupFull,
    GroupShort,
    changed,
    document,
    fresh,
    full,
    short,
    wish_of,
)
from .paging import next_link, page, parameters

_PATH = "/clusters/{cluster:str}/nodegroups"
_ONE = f"{_PATH}/{{ident:str}}"
_SINCE = 9
_LIST = {**parameters(COLUMNS), "role": Parameter(kinds.Text(least=0, most=None))}
_BODY = ObjectBody("nodegroup", BODY)
_PATCH = PatchBody(only=CHANGEABLE)


class NodeGroups(msgspec.Struct):
    """A page of them."""

    nodegroups: list[GroupShort]
    next: str | UnsetType = UNSET


async def list_all(call: Call) -> Reply:
    """Short views, of one role if it is asked for."""
    wanted = page(call, COLUMNS)
    row, found = await node_groups.list_all(
        call.services, call.caller, call.path["cluster"], wanted, role=call.query.get("role")
    )
    path = f"clusters/{row.cluster.uuid}/nodegroups"
    more = next_link(call, path, wanted, len(found), found[-1].uuid if found else None)
    return Reply(NodeGroups([short(one, row.cluster.backend_id) for one in found], **more))


async def show(call: Call) -> Reply:
    """One."""
    row, group = await node_groups.get(call.services, call.caller, call.path["cluster"], call.path["ident"])
    return Reply(data=full(group, row, call.host))


async def create(call: Call) -> Reply:
    """Ask for a group."""
    values = await _BODY.read(call)
    row, group = await group_changes.create(call.services, call.asker, call.path["cluster"], wish_of(values))
    return Reply(fresh(group, row, call.host))


async def update(call: Call) -> Reply:
    """Change limits, node labels, taints."""
    entries = await _PATCH.read(call)

    def change(old: NodeGroup) -> NodeGroup:
        return changed(old, patch.apply(entries, document(old)))

    place = call.path["cluster"], call.path["ident"]
    row, group = await group_changes.update(call.services, call.asker, *place, change)
    return Reply(full(group, row, call.host))


async def delete(call: Call) -> Reply:
    """Ask for its end."""
    await group_changes.delete(call.services, call.asker, call.path["cluster"], call.path["ident"])
    return Reply()


ROUTES = (
    Route("POST", _PATH, create, since=_SINCE, body=_BODY, status=202, reply=GroupFresh, rule="nodegroup:create"),
    Route("PATCH", _ONE, update, since=_SINCE, body=_PATCH, status=202, reply=GroupFull, rule="nodegroup:update"),
    Route("DELETE", _ONE, delete, since=_SINCE, status=204, rule="nodegroup:delete"),
    Route("GET", _PATH, list_all, since=_SINCE, query=_LIST, reply=NodeGroups, rule="nodegroup:get_all"),
    Route("GET", _ONE, show, since=_SINCE, reply=GroupFull, rule="nodegroup:get"),
    *missing.routes(_PATH, "nodegroup_id", since=_SINCE),
)
