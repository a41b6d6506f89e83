"""The resources of a stack that Heat cannot delete, removed one by one at the services that have them.

Heat then finds them gone, and lets its stack go. What holds a resource says so in the answer of its own service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ...domain.errors import JeroboamError
from .heat import Made, Stack
from .neutron import Neutron
from .rest import CINDER, NEUTRON, NOVA, Rest, translated

_PAUSE_S = 0.5
_ROUTER, _SERVER = "OS::Neutron::Router", "OS::Nova::Server"
# In this order: what uses others goes before them.
_PLACES = {
    "OS::Neutron::FloatingIP": (NEUTRON, "/floatingips"),
    _SERVER: (NOVA, "/servers"),
    "OS::Cinder::Volume": (CINDER, "/volumes"),
    "OS::Nova::ServerGroup": (NOVA, "/os-server-groups"),
    _ROUTER: (NEUTRON, "/routers"),
    "OS::Neutron::Port": (NEUTRON, "/ports"),
    "OS::Neutron::Subnet": (NEUTRON, "/subnets"),
    "OS::Neutron::Net": (NEUTRON, "/networks"),
    "OS::Neutron::SecurityGroup": (NEUTRON, "/security-groups"),
}
_RANKS = {kind: rank for rank, kind in enumerate(_PLACES)}


@dataclass(frozen=True)
class Piece:
    """One resource, and why it is still there; "" when it is gone."""

    made: Made
    held: str

    def __str__(self) -> str:
        kind = self.made.kind.rpartition("::")[2]
        return f"{kind} {self.made.name} (id {self.made.id}): {self.held or 'removed'}"


class Piecemeal:
    """Does in any order of calls, and again, what was left."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._neutron = Neutron(rest)

    async def remove(self, stack: Stack, resources: Sequence[Made], until: float) -> Sequence[Piece]:
        """What became of each; the kinds that only Heat knows how to remove are left to it. `until`: a monotonic time."""
        mine = sorted((one for one in resources if one.kind in _PLACES and one.id), key=lambda one: _RANKS[one.kind])
        return [Piece(one, await self._one(stack.project_id, one, until)) for one in mine]

    async def _one(self, project_id: str, made: Made, until: float) -> str:
        service, root = _PLACES[made.kind]
        path = f"{root}/{made.id}"
        try:
            if made.kind == _ROUTER:
                await self._neutron.detach(project_id, made.id)
            answer = await self._rest.call(project_id, service, "DELETE", path)
            if answer.status >= 400 and answer.status != 404:
                return translated(answer, "not removed").message
            gone = made.kind != _SERVER or await self._gone(project_id, service, path, until)
        except JeroboamError as error:
            return f"not removed: {error.message}"
        return "" if gone else "it is still being deleted"

    async def _gone(self, project_id: str, service: str, path: str, until: float) -> bool:
        while (await self._rest.call(project_id, service, "GET", path)).status != 404:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(_PAUSE_S)
        return True
