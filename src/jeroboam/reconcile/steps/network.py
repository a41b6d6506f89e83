"""Step "network": the cluster's own network and a stable address for its API, known before any machine exists."""

from __future__ import annotations

from dataclasses import replace

from ...domain import Resource, Role, cluster_slug
from ..scope import DONE, Outcome, Scope

_AT = ("network", "")


class ClusterNetwork:
    """Network and endpoint. Found again after a crash, since the provider looks by tag."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.endpoint is not None:
            return DONE
        size = sum(group.node_count for group in scope.groups if group.role is Role.CONTROL_PLANE)
        spec = replace(scope.driver.network_spec(scope.cluster), control_planes=size)
        name = cluster_slug(scope.cluster.name, scope.cluster.uuid)
        async with scope.timeline.step("network"):
            await scope.store.open_resource(Resource(scope.cluster.uuid, "network", name), scope.fence)
            async with scope.turn():
                network = await scope.called(
                    "ensure_network", scope.provider.ensure_network(scope.cluster, spec), at=_AT
                )
            await scope.store.open_resource(Resource(scope.cluster.uuid, "endpoint", name), scope.fence)
            async with scope.turn():
                work = scope.provider.ensure_endpoint(scope.cluster, network, spec)
                endpoint = await scope.called("ensure_endpoint", work, at=_AT)
        scope.network, scope.endpoint = network, endpoint
        await scope.write(backend_id=network.id, api_address=scope.driver.api_address(endpoint))
        return DONE
