"""Talks to the Docker API of a manager: the few calls that the driver needs. Source: Docker Engine API v1.41."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..live_api import Json, LiveApi

_API = "/v1.41"


class Engine(LiveApi):
    """One live swarm."""

    called = "The Docker API"
    not_here = "not a swarm manager"

    async def info(self) -> Json:
        """What the manager says of itself."""
        return dict((await self._send("GET", _API + "/info")).json())

    async def nodes(self) -> list[Json]:
        """All members, also those that are gone and were not struck off."""
        return list((await self._send("GET", _API + "/nodes")).json())

    async def swarm(self) -> Json:
        """The swarm itself: its wish, its version, whether its CA is being replaced."""
        return dict((await self._send("GET", _API + "/swarm")).json())

    async def update_swarm(self, seen: Json, spec: Mapping[str, Any]) -> None:
        """Change the swarm's wish as it was seen, and make other join tokens."""
        query = {"version": seen["Version"]["Index"], "rotateWorkerToken": "true", "rotateManagerToken": "true"}
        await self._send("POST", _API + "/swarm/update", params=query, json={**seen["Spec"], **spec})

    async def tasks(self, node: str) -> list[Json]:
        """All that a node was given, also what is told to stop and has not yet."""
        wanted = json.dumps({"node": [node]})
        return list((await self._send("GET", _API + "/tasks", params={"filters": wanted})).json())

    async def update_node(self, node: Json, spec: Mapping[str, Any]) -> None:
        """Change a node's wish as it was seen; gone is fine."""
        path, query = f"{_API}/nodes/{node['ID']}/update", {"version": node["Version"]["Index"]}
        await self._send("POST", path, fine=(404,), params=query, json={**node["Spec"], **spec})

    async def remove_node(self, node: str) -> None:
        """Strike a node off; gone already is success."""
        await self._send("DELETE", f"{_API}/nodes/{node}", fine=(404,), params={"force": "1"})
