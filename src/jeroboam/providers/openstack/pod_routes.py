"""Pods' addresses in a network of Neutron: a port lets only what is said through, and a router leads only where it is told.

They are set at the ports and the router themselves, beside the stacks that made these and say nothing of them: which node has
which pods is known only when the cluster runs. Source: Networking API v2.0, allowed-address-pairs, extraroute-atomic.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from .neutron import Neutron
from .nova import Server
from .rest import Body

Routes = list[dict[str, str]]


class PodRoutes:
    """Keeps nothing. Who calls keeps others away from the same cluster."""

    def __init__(self, neutron: Neutron) -> None:
        self._neutron = neutron

    async def ensure(
        self, project_id: str, cluster_uuid: str, network_id: str, pods: str, servers: Mapping[Server, str | None]
    ) -> str:
        """Let servers send and get what is of their part of `pods` (None: they have none), then lead the cluster's router there; nothing
        else in `pods`. `servers` are all of the cluster's: ports of others in the network are left alone, they may be another
        cluster's with the same addresses for its pods. In a subnet of the tenant's own there is no router of ours, and none is told.
        Returns in words whom the router has no room for; "" when it leads to all."""
        inside = ipaddress.ip_network(pods)
        parts = {server.id: cidr for server, cidr in servers.items()}
        for port in await self._neutron.ports(project_id, network_id):
            if port.get("device_id") not in parts:
                continue
            if port.get("port_security_enabled") is False:  # it lets everything through, and takes no pairs
                continue
            seen = port.get("allowed_address_pairs") or []
            wanted = _pairs(seen, inside, parts[port["device_id"]])
            if [one["ip_address"] for one in wanted] != [one["ip_address"] for one in seen]:
                await self._neutron.allow(project_id, port["id"], wanted)
        wishes = [
            {"destination": cidr, "nexthop": str(server.address)}
            for server, cidr in servers.items()
            if cidr and server.address
        ]
        left: Routes = []
        for router in await self._neutron.routers(project_id, cluster_uuid):
            led = [one for one in routes_of(router) if _is_in(one["destination"], inside)]
            await self._neutron.unroute(project_id, router["id"], [one for one in led if one not in wishes])
            left += await self._lead(project_id, router["id"], [one for one in wishes if one not in led])
        return _full(len(wishes), left) if left else ""

    async def _lead(self, project_id: str, router_id: str, routes: Routes) -> Routes:
        """Those that the router has no room for: of a call that is one too many Neutron adds none, so that halves are tried."""
        if await self._neutron.route(project_id, router_id, routes):
            return []
        if len(routes) == 1:
            return routes
        half = len(routes) // 2
        left = await self._lead(project_id, router_id, routes[:half])
        return [*left, *routes[half:]] if left else await self._lead(project_id, router_id, routes[half:])

    async def forget(self, project_id: str, cluster_uuid: str, address: str | None) -> None:
        """Nothing leads to this address any more; None: nothing leads anywhere, as is needed before the router can go."""
        for router in await self._neutron.routers(project_id, cluster_uuid):
            led = [one for one in routes_of(router) if address in (None, one["nexthop"])]
            await self._neutron.unroute(project_id, router["id"], led)


def routes_of(router: Body) -> Routes:
    """Those beyond its subnets' own."""
    return [{"destination": one["destination"], "nexthop": one["nexthop"]} for one in router.get("routes") or ()]


def _full(total: int, left: Routes) -> str:
    first = ", ".join(f"{one['destination']} at {one['nexthop']}" for one in left[:3])
    more = f" and {len(left) - 3} more" if len(left) > 3 else ""
    return (
        f"The cluster's router leads to the pods of {total - len(left)} of {total} nodes, since Neutron lets it have no more routes "
        f"(max_routes). Pods reach each other all the same; from outside the cluster's network these are not reached: {first}{more}."
    )


def _pairs(seen: Sequence[Any], inside: ipaddress.IPv4Network | ipaddress.IPv6Network, part: str | None) -> list[Any]:
    """Others' stay, such as an address that control planes share, but none that holds pods' addresses: neither a part of them nor more
    than all. What is right keeps its place."""
    kept = [one for one in seen if one["ip_address"] == part or not _touches(one["ip_address"], inside)]
    there = part is None or any(one["ip_address"] == part for one in kept)
    return kept if there else [*kept, {"ip_address": part}]


def _is_in(cidr: str, inside: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    found = ipaddress.ip_network(cidr, strict=False)
    return found.version == inside.version and found.subnet_of(inside)  # type: ignore[arg-type]


def _touches(cidr: str, inside: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return ipaddress.ip_network(cidr, strict=False).overlaps(inside)
