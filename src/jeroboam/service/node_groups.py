"""Node groups of a cluster: list and show."""

from __future__ import annotations

from collections.abc import Sequence

from ..contracts import Caller, ClusterRow, Page
from ..domain import NodeGroup
from ..domain.errors import InvalidRequest, NotFound
from ..domain.names import parses_as_uuid
from . import clusters
from .services import Services

KIND = "Nodegroup"


async def list_all(
    services: Services, caller: Caller, cluster_ident: str, page: Page, *, role: str | None = None
) -> tuple[ClusterRow, Sequence[NodeGroup]]:
    """A cluster and its groups, of one role if it is given. Raises NotFound, Ambiguous, Forbidden, InvalidRequest."""
    row = await _reachable(services, caller, cluster_ident, "nodegroup:get_all", "nodegroup:get_all_all_projects")
    groups = [group for group in row.groups if role is None or group.role_name == role]
    return row, _paged(groups, page)


async def get(services: Services, caller: Caller, cluster_ident: str, ident: str) -> tuple[ClusterRow, NodeGroup]:
    """The group and the cluster it is in. Raises NotFound, Ambiguous, Forbidden."""
    row = await _reachable(services, caller, cluster_ident, "nodegroup:get", "nodegroup:get_one_all_projects")
    return row, pick(row, ident)


def pick(row: ClusterRow, ident: str) -> NodeGroup:
    """The group of this uuid or name. Raises NotFound."""
    by_uuid = parses_as_uuid(ident)
    for group in row.groups:
        if ident == (group.uuid if by_uuid else group.name):
            return group
    raise NotFound(KIND, ident)


async def _reachable(services: Services, caller: Caller, ident: str, rule: str, across: str) -> ClusterRow:
    services.policy.require(rule, caller)
    everywhere = services.policy.is_admin(caller)
    if everywhere:
        services.policy.require(across, caller)
    return await clusters.find(services, ident, None if everywhere else caller.project_id)


def _paged(groups: list[NodeGroup], page: Page) -> list[NodeGroup]:
    """A cluster has few groups and they are read with it, so the page is cut here. None sorts first, ties by id."""
    if page.sort_key not in NodeGroup.__dataclass_fields__:
        raise InvalidRequest(f'The sort_key value "{page.sort_key}" is an invalid field for sorting', field="sort_key")
    ordered = sorted(groups, key=lambda g: _key(getattr(g, page.sort_key), g.id), reverse=page.descending)
    if page.marker is not None:
        places = [place for place, group in enumerate(ordered) if group.uuid == page.marker]
        if not places:
            raise NotFound(KIND, page.marker)
        ordered = ordered[places[0] + 1 :]
    return ordered[: page.limit]


def _key(value: object, tie: int | None) -> tuple[bool, object, int]:
    comparable = value if isinstance(value, int | str) else str(value)
    return value is not None, comparable if value is not None else "", tie or 0
