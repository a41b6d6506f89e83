"""Step "routes": the provider's network carries the addresses of pods, where nodes send them as they are."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping

from ...contracts import PodRange, PodRouter, RoutedPods
from ...domain.errors import CoeUnreachable
from ..scope import DONE, Outcome, Scope


class PodRoutes:
    """Which node has which part is the cluster's to say: it is asked anew in each pass that comes so far, and nothing of it is kept.

    Who administers the cluster can let it say anything. The network is told what is a node's part of the pods' addresses, and no more.
    """

    async def run(self, scope: Scope) -> Outcome:
        driver, provider = scope.driver, scope.provider
        if not isinstance(driver, RoutedPods) or not isinstance(provider, PodRouter):
            return DONE
        pods = driver.routed_pods(scope.cluster.shape)
        if pods is None:
            return DONE
        access = scope.access()
        if access is None:
            raise CoeUnreachable(
                f"{pods.wish}, but which node has which pods cannot be asked: the cluster's API is not reachable from here.",
                hint="Give the cluster an address that the service reaches.",
            )
        network, _ = scope.place()
        async with scope.timeline.step("routes"):
            ranges = await scope.asked("pod_ranges", driver.pod_ranges(access), at=("routes", ""))
            parts = {name: cidr for name, cidr in ranges.items() if _is_part(cidr, pods)}
            async with scope.turn():
                work = provider.route_pods(scope.cluster, network, pods.cidr, parts)
                await scope.called("route_pods", work, at=("routes", ""))
            await scope.timeline.end("routes", message=_left_out(scope, pods, ranges.keys() - parts.keys(), ranges))
        return DONE


def _is_part(cidr: str, pods: PodRange) -> bool:
    try:
        part, whole = ipaddress.ip_network(str(cidr)), ipaddress.ip_network(pods.cidr)
    except ValueError:
        return False
    return part.version == whole.version and part.subnet_of(whole) and part.prefixlen >= pods.node_bits  # type: ignore[arg-type]


def _left_out(scope: Scope, pods: PodRange, names: Collection[str], ranges: Mapping[str, str]) -> str:
    """Of machines of ours, in words; "" when there is none."""
    ours = sorted(machine.name for machine in scope.seen if machine.name in names)
    if not ours:
        return ""
    some = ", ".join(f"{name} {str(ranges[name])[:50]!r}" for name in ours[:3])
    more = f" and {len(ours) - 3} more" if len(ours) > 3 else ""
    return (
        f"Pods of these nodes are not carried, since what the cluster gave the node is no part of {pods.cidr} with a prefix of "
        f"{pods.node_bits} or longer: {some}{more}. Remove these nodes: new ones get parts anew."
    )
