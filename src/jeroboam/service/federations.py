"""Federations: Magnum's stub. Wishes are checked, nothing is kept, so there is never one to be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn
from uuid import uuid4

from ..contracts import Caller
from ..domain.errors import InvalidRequest, NotFound
from . import clusters
from .services import Asker, Services


async def create(
    services: Services, asker: Asker, host: str, members: Sequence[str], properties: Mapping[str, str]
) -> str:
    """A uuid, as upstream answers. Raises Forbidden, NotFound (clusters), InvalidRequest."""
    services.policy.require("federation:create", asker.caller)
    for ident in (host, *members):
        await clusters.find(services, ident, asker.caller.project_id)
    if "dns-zone" not in properties:
        raise InvalidRequest("Property dns-zone is mandatory for a federation.", field="properties")
    return str(uuid4())


def require(services: Services, caller: Caller, rule: str) -> None:
    """Raises Forbidden."""
    services.policy.require(f"federation:{rule}", caller)


def find(services: Services, caller: Caller, rule: str, ident: str) -> NoReturn:
    """Raises Forbidden, else NotFound."""
    require(services, caller, rule)
    raise NotFound("Federation", ident)
