"""What a collection answers to verbs that need one of its things."""

from __future__ import annotations

from ...domain.errors import InvalidRequest
from ..call import Call, Reply, Route


def routes(path: str, argument: str) -> tuple[Route, ...]:
    """PATCH and DELETE of a whole collection: nobody said which thing."""

    async def refuse(call: Call) -> Reply:
        raise InvalidRequest(f'Missing argument: "{argument}"', field=argument)

    return Route("PATCH", path, refuse), Route("DELETE", path, refuse)
