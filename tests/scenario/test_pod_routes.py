"""Step "routes": a provider whose network must be told gets to know which node has which pods, and any other is not asked."""

from collections.abc import Mapping
from dataclasses import replace

from jeroboam.contracts import Access, Network, PodRange
from jeroboam.domain import Cluster, ClusterShape
from jeroboam.domain.errors import CoeUnreachable
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.testing.stage import Stage

PODS = PodRange("10.100.0.0/16", "Label flannel_backend = host-gw", "labels.flannel_backend")


class Routing(FakeDriver):
    """A tool whose nodes send pods' packets as they are. Implements contracts.RoutedPods."""

    def __init__(self, pods: PodRange | None = PODS, away: int = 0) -> None:
        super().__init__()
        self.pods, self.away = pods, away

    def routed_pods(self, shape: ClusterShape) -> PodRange | None:
        return self.pods

    async def pod_ranges(self, access: Access) -> Mapping[str, str]:
        self.away -= 1
        if self.away >= 0:
            raise CoeUnreachable("The API server does not answer.")
        return {"first": "10.100.0.0/24"}


class Strict(FakeProvider):
    """A network that carries what it is told. Implements contracts.PodRouter."""

    routed: tuple[str, Mapping[str, str]] | None = None

    async def route_pods(self, cluster: Cluster, network: Network, pods: str, ranges: Mapping[str, str]) -> None:
        assert network.id
        self.routed = pods, dict(ranges)


async def names(stage: Stage, driver: FakeDriver, provider: FakeProvider) -> list[str]:
    """Steps of a creation that succeeds."""
    stage = replace(stage, driver=driver, provider=provider)
    _, create = await stage.add()
    assert (await stage.run(create)).state == "succeeded"
    return [step.name for step in await stage.store.list_steps(create.uuid)]


async def test_the_provider_is_told_once_the_cluster_is_ready(stage: Stage) -> None:
    provider = Strict(Cloud(), boot_s=0)
    steps = await names(stage, Routing(), provider)
    assert provider.routed == ("10.100.0.0/16", {"first": "10.100.0.0/24"})
    assert steps.index("coe") < steps.index("routes") < steps.index("marks")


async def test_a_cluster_that_does_not_answer_is_asked_again(stage: Stage) -> None:
    provider = Strict(Cloud(), boot_s=0)
    assert "routes" in await names(stage, Routing(away=1), provider)
    assert provider.routed is not None


async def test_nobody_is_asked_where_nodes_wrap_what_pods_send(stage: Stage) -> None:
    provider = Strict(Cloud(), boot_s=0)
    assert "routes" not in await names(stage, Routing(pods=None), provider)
    assert provider.routed is None


async def test_nobody_is_asked_where_the_network_carries_everything(stage: Stage) -> None:
    assert "routes" not in await names(stage, Routing(), FakeProvider(Cloud(), boot_s=0))
