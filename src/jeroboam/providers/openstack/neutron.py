"""Networks of Neutron: look-ups, quotas, and what is left of a cluster. Source: Networking API v2.0 reference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ...contracts import CatalogueNetwork, FoundResource
from .rest import NEUTRON, Answer, Body, Rest, checked, words
from .tags import cluster_of, cluster_tag

_TAGGED = ("network", "router")


class Neutron:
    """Raises what the answers mean."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def find(self, project_id: str, kind: str, ident: str) -> Sequence[Body]:
        """Networks or subnets by id, else by name."""
        if not ident:
            return []
        for key in ("id", "name"):
            found = await self._list(project_id, kind, {key: ident}, fine=(400,))  # a name may be no id at all
            if found:
                return found
        return []

    async def subnets(self, project_id: str, network_id: str) -> Sequence[Body]:
        """Those of IPv4 in a network."""
        return await self._list(project_id, "subnet", {"network_id": network_id, "ip_version": "4"})

    async def quotas(self, project_id: str) -> Mapping[str, Mapping[str, int]]:
        """`limit`, `used` and `reserved` of each kind; limit -1 is none. Empty where the cloud does not tell."""
        path = f"/quotas/{quote(project_id)}/details.json"
        answer = await self._rest.call(project_id, NEUTRON, "GET", path)
        found = checked(answer, "The quotas of Neutron could not be read", fine=(403, 404))
        quotas: Mapping[str, Mapping[str, int]] = found.get("quota") or {}
        return quotas

    async def tagged(self, project_id: str, cluster_uuid: str | None) -> Sequence[FoundResource]:
        """Networks and routers with a cluster's tag, or with any cluster's."""
        query = {"project_id": project_id}  # an administrator would be shown those of all
        if cluster_uuid:
            query["tags"] = cluster_tag(cluster_uuid)
        found = []
        for kind in _TAGGED:
            for raw in await self._list(project_id, kind, query):
                owner = cluster_of(raw.get("tags") or ())
                if owner is not None and cluster_uuid in (None, owner):
                    found.append(FoundResource(kind, raw["id"], raw["name"], owner))
        return found

    async def ports(self, project_id: str, network_id: str) -> Sequence[Body]:
        return await self._list(project_id, "port", {"network_id": network_id})

    async def routers(self, project_id: str, cluster_uuid: str) -> Sequence[Body]:
        """Those with a cluster's tag."""
        return await self._list(project_id, "router", {"project_id": project_id, "tags": cluster_tag(cluster_uuid)})

    async def allow(self, project_id: str, port_id: str, pairs: Sequence[Body]) -> None:
        """Further addresses that the port may use, in place of those it had. One that is gone is passed over."""
        body = {"port": {"allowed_address_pairs": list(pairs)}}
        answer = await self._rest.call(project_id, NEUTRON, "PUT", f"/ports/{quote(port_id)}", body=body)
        checked(answer, f"Port {port_id} was not given the addresses of pods", fine=(404,))

    async def route(self, project_id: str, router_id: str, routes: Sequence[Body]) -> bool:
        """Add these to a router's; False, and none is added, where these are more than it may have (max_routes). Source: Networking API
        v2.0, add_extraroutes (Train); Neutron's error RoutesExhausted."""
        answer = await self._reroute(project_id, router_id, "add", routes)
        if answer.status == 400 and "number of routes exceeds the maximum" in words(answer.body):
            return False
        checked(answer, f"The routes of router {router_id} were not changed")
        return True

    async def unroute(self, project_id: str, router_id: str, routes: Sequence[Body]) -> None:
        """Take these away from a router's; what is not there is fine."""
        answer = await self._reroute(project_id, router_id, "remove", routes)
        checked(answer, f"The routes of router {router_id} were not changed")

    async def _reroute(self, project_id: str, router_id: str, verb: str, routes: Sequence[Body]) -> Answer:
        if not routes:
            return Answer(200)
        path, body = f"/routers/{quote(router_id)}/{verb}_extraroutes", {"router": {"routes": list(routes)}}
        return await self._rest.call(project_id, NEUTRON, "PUT", path, body=body)

    async def delete(self, project_id: str, kind: str, ident: str) -> bool:
        """Whether it is gone; False when something still needs it."""
        answer = await self._rest.call(project_id, NEUTRON, "DELETE", f"/{kind}s/{quote(ident)}")
        checked(answer, f"{kind} {ident} was not deleted", fine=(404, 409))
        return answer.status != 409

    async def detach(self, project_id: str, router_id: str) -> None:
        """Take the router off its subnets."""
        for port in await self._list(project_id, "port", {"device_id": router_id}):
            if port.get("device_owner") == "network:router_interface":
                path = f"/routers/{quote(router_id)}/remove_router_interface"
                answer = await self._rest.call(project_id, NEUTRON, "PUT", path, body={"port_id": port["id"]})
                checked(answer, f"Router {router_id} was not detached", fine=(404, 409))

    async def _list(
        self, project_id: str, kind: str, query: Mapping[str, str], fine: Collection[int] = ()
    ) -> Sequence[Body]:
        answer = await self._rest.call(project_id, NEUTRON, "GET", f"/{kind}s", query=query)
        found: Any = checked(answer, f"{kind}s could not be listed", fine=fine).get(f"{kind}s")
        return found or []


def catalogue_network(raw: Body) -> CatalogueNetwork:
    """A network or subnet of the catalogue."""
    return CatalogueNetwork(raw["id"], raw["name"], external=bool(raw.get("router:external")))
