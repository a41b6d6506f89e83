"""Step "routes": the provider's network carries the addresses of pods, where nodes send them as they are."""

from __future__ import annotations

from ...contracts import PodRouter, RoutedPods
from ...domain.errors import CoeUnreachable
from ..scope import DONE, Outcome, Scope


class PodRoutes:
    """Which node has which part is the cluster's to say: it is asked anew in each pass that comes so far, and nothing of it is kept."""

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
            async with scope.turn():
                work = provider.route_pods(scope.cluster, network, pods.cidr, ranges)
                await scope.called("route_pods", work, at=("routes", ""))
        return DONE
