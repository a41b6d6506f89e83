"""Paths that stop too early: what a collection answers to verbs that need one of its things."""

from __future__ import annotations

from typing import NoReturn

from ...domain.errors import InvalidRequest, NotFound
from ..call import Call, Reply, Route

_NO_DETAIL = "The %(name)s resource %(id)s could not be found."  # raw: Magnum forgets to fill it in, clients know it so


def routes(path: str, argument: str, *methods: str, since: int = 1) -> tuple[Route, ...]:
    """These methods (PATCH and DELETE, if none is named) on a path that does not say which thing."""

    async def refuse(call: Call) -> Reply:
        """Refused: the path does not say which."""
        raise InvalidRequest(f'Missing argument: "{argument}"', field=argument)

    return tuple(
        Route(method, path, refuse, since, status=None, listed=False) for method in methods or ("PATCH", "DELETE")
    )


def no_detail(path: str) -> Route:
    """`detail` belongs to a collection; after one of its things it is nothing."""

    async def refuse(call: Call) -> NoReturn:
        """Nothing."""
        raise NotFound("detail", call.path["ident"], message=_NO_DETAIL)

    return Route("GET", f"{path}/{{ident:str}}/detail", refuse, status=None, refuses=(404,), listed=False)
