"""Volumes of Cinder: what a project may have of them, and of which types. Source: Block Storage API v3 reference, quota sets, types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from .rest import CINDER, Rest, checked


class Cinder:
    """Raises what the answers mean."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def quotas(self, project_id: str) -> Mapping[str, Mapping[str, int]]:
        """`limit`, `in_use` and `reserved` of each kind; limit -1 is none. Empty where the cloud does not tell."""
        path = f"/os-quota-sets/{quote(project_id)}"
        answer = await self._rest.call(project_id, CINDER, "GET", path, query={"usage": "True"})
        found: Mapping[str, Any] = checked(answer, "The quotas of Cinder could not be read", fine=(403, 404))
        quotas = found.get("quota_set") or {}
        return {kind: one for kind, one in quotas.items() if isinstance(one, Mapping)}

    async def types(self, project_id: str) -> frozenset[str]:
        """Names and ids of the types that the project may use."""
        answer = await self._rest.call(project_id, CINDER, "GET", "/types")
        found = checked(answer, "Types of volumes could not be listed").get("volume_types") or ()
        return frozenset(word for raw in found for word in (raw["id"], raw["name"]))
