"""List parameters and the link to the next page."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from ...contracts import Page
from ...domain.errors import InvalidRequest
from ..call import Call, Parameter
from . import kinds

_UUID = kinds.Uuid()
_LIMIT = kinds.Integer(least=1, most=10**30)
_DIRECTIONS = ("asc", "desc")


def parameters(columns: Mapping[str, str], *, marker: kinds.Kind = _UUID) -> dict[str, Parameter]:
    """What a list takes. `columns` are those of `page`."""
    return {
        "limit": Parameter(_LIMIT),
        "marker": Parameter(marker),
        "sort_key": Parameter(kinds.OneOf(tuple(columns))),
        "sort_dir": Parameter(kinds.OneOf(_DIRECTIONS)),
    }


def page(call: Call, columns: Mapping[str, str], *, marker: kinds.Kind = _UUID) -> Page:
    """The page asked for. `columns` says which of our columns a wire name is. Raises InvalidRequest."""
    query = call.query
    key = query.get("sort_key", "id")
    if key not in columns:
        raise InvalidRequest(f'The sort_key value "{key}" is an invalid field for sorting', field="sort_key", value=key)
    direction = query.get("sort_dir", "asc")
    if direction not in _DIRECTIONS:
        raise InvalidRequest(
            f"Invalid sort direction: {direction}. Acceptable values are 'asc' or 'desc'",
            field="sort_dir",
            value=direction,
        )
    after = query.get("marker")
    if after is not None:
        marker.read("marker", after)
    return Page(limit=_limit(call), marker=after, sort_key=columns[key], descending=direction == "desc")


def _limit(call: Call) -> int:
    most = call.settings.max_limit or call.services.settings.max_limit
    if "limit" not in call.query:
        return most
    number = kinds.Integer(most=10**30).read("limit", call.query["limit"])
    if number <= 0:
        raise InvalidRequest("Limit must be positive", field="limit", value=number)
    return min(number, most)


def next_link(call: Call, path: str, wanted: Page, shown: int, last: str | None) -> dict[str, str]:
    """`{"next": ...}` exactly when the page is full, else empty."""
    if shown < wanted.limit or last is None:
        return {}
    parameters = {
        "sort_key": call.query.get("sort_key", "id"),
        "sort_dir": call.query.get("sort_dir", "asc"),
        "limit": wanted.limit,
        "marker": last,
    }
    return {"next": f"{call.host}/v1/{path}?{urlencode(parameters)}"}
