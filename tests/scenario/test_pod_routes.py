"""Step "routes": a provider whose network must be told gets to know which node has which pods, and any other is not asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from jeroboam.contracts import (
    Access,
    ClusterContext,
    CoeHealth,
    Endpoint,
    Machine,
    MachineSpec,
    Network,
    NodeConfig,
    PodRange,
)
from jeroboam.domain import Cluster, ClusterShape, Step
from jeroboam.domain.errors import CoeUnreachable
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider, Fault
from jeroboam.testing.stage import Stage

PODS = PodRange("10.100.0.0/16", 24, "Label flannel_backend = host-gw", "labels.flannel_backend")


class Routing(FakeDriver):
    """A tool whose nodes send pods' packets as they are. Implements contracts.RoutedPods."""

    def __init__(self, pods: PodRange | None = PODS, away: int = 0) -> None:
        super().__init__()
        self.pods, self.away = pods, away
        self.names: set[str] = set()  # of nodes
        self.said: dict[str, str] = {}  # by the last word of a node's name, in place of a proper part

    def node_config(self, context: ClusterContext, machine: MachineSpec) -> NodeConfig:
        self.names.add(machine.name)
        return super().node_config(context, machine)

    def routed_pods(self, shape: ClusterShape) -> PodRange | None:
        return self.pods

    async def pod_ranges(self, access: Access) -> Mapping[str, str]:
        self.away -= 1
        if self.away >= 0:
            raise CoeUnreachable("The API server does not answer.")
        return {name: self.said.get(name[-1], "10.100.0.0/24") for name in self.names if "worker" in name}


class Strict(FakeProvider):
    """A network that carries what it is told. Implements contracts.PodRouter."""

    routed: tuple[str, Mapping[str, str]] | None = None
    times = 0
    full = ""

    async def route_pods(self, cluster: Cluster, network: Network, pods: str, ranges: Mapping[str, str]) -> str:
        assert network.id
        self.routed = pods, dict(ranges)
        self.times += 1
        return self.full


async def rows(stage: Stage, driver: FakeDriver, provider: FakeProvider, workers: int = 1) -> list[Step]:
    """Steps of a creation that succeeds."""
    stage = replace(stage, driver=driver, provider=provider)
    _, create = await stage.add(workers=workers)
    assert (await stage.run(create, within_s=200)).state == "succeeded"
    return list(await stage.store.list_steps(create.uuid))


async def names(stage: Stage, driver: FakeDriver, provider: FakeProvider) -> list[str]:
    return [step.name for step in await rows(stage, driver, provider)]


async def test_the_provider_is_told_once_the_cluster_is_ready(stage: Stage) -> None:
    provider = Strict(Cloud(), boot_s=0)
    driver = Routing()
    steps = await names(stage, driver, provider)
    [worker] = [name for name in driver.names if "worker" in name]
    assert provider.routed == ("10.100.0.0/16", {worker: "10.100.0.0/24"})
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


async def test_what_is_no_nodes_part_of_the_pods_is_not_told_to_the_network(stage: Stage) -> None:
    provider, driver = Strict(Cloud(), boot_s=0), Routing()
    bad = (
        "0.0.0.0/0",
        "10.0.0.0/24",
        "10.100.0.0/16",
        "10.100.0.0/23",
        "10.101.0.0/24",
        "10.100.0.1/24",
        "fd00::/64",
        "x",
    )
    driver.said = {str(number): said for number, said in enumerate(bad, start=1)}
    steps = await rows(stage, driver, provider, workers=1 + len(bad))
    good, first, *_ = sorted(name for name in driver.names if "worker" in name)
    assert provider.routed == ("10.100.0.0/16", {good: "10.100.0.0/24"})
    [told] = [step.message for step in steps if step.name == "routes"]
    assert f"no part of 10.100.0.0/16 with a prefix of 24 or longer: {first} '0.0.0.0/0', " in told
    assert " and 5 more." in told


async def test_less_than_a_nodes_part_is_fine(stage: Stage) -> None:
    provider, driver = Strict(Cloud(), boot_s=0), Routing()
    driver.said["0"] = "10.100.3.128/25"
    [told] = [step.message for step in await rows(stage, driver, provider) if step.name == "routes"]
    assert told == ""
    assert provider.routed is not None
    assert list(provider.routed[1].values()) == ["10.100.3.128/25"]


class Late(Routing):
    """A node of it is not ready before the third look at least, nor before the network has carried others' pods so often."""

    def __init__(self, provider: Strict, carried: int) -> None:
        super().__init__()
        self.provider, self.carried, self.looks = provider, carried, 0

    async def health(self, access: Access, expected: Sequence[Machine]) -> CoeHealth:
        self.looks += 1
        found = await super().health(access, expected)
        ready = self.looks >= 3 and self.provider.times >= self.carried
        return found if ready else replace(found, api_ok=False, reason="one is late")


@pytest.mark.parametrize(("every", "carried"), [(timedelta(), 2), (timedelta(days=1), 0)], ids=["often", "seldom"])
async def test_nodes_that_are_there_have_their_pods_carried_while_others_are_late(
    stage: Stage, every: timedelta, carried: int
) -> None:
    provider = Strict(Cloud(), boot_s=0)
    limits = replace(stage.limits, coe=timedelta(minutes=5), routes=every)
    stage = replace(stage, driver=Late(provider, carried), provider=provider, limits=limits)
    _, create = await stage.add()
    assert (await stage.run(create, within_s=200)).state == "succeeded"
    assert provider.times >= carried + 1
    assert carried or provider.times == 1


@pytest.mark.parametrize("away", [0, 99])
async def test_nodes_that_are_there_have_their_pods_carried_though_another_fails(stage: Stage, away: int) -> None:
    provider = Strict(Cloud(faults=[Fault("ensure_machine", "boot_fail", name="*-1", message="no disk")]), boot_s=0)
    driver = Routing(away=away)
    stage = replace(stage, driver=driver, provider=provider)
    _, create = await stage.add(workers=2)
    done = await stage.run(create, within_s=200)
    assert done.state == "failed"
    assert "no disk" in (done.error or "")
    if away:
        assert provider.routed is None
    else:
        assert provider.routed is not None
        assert any(name.endswith("-0") for name in provider.routed[1])


class Inside(Routing):
    """Its API is reached from its own network only."""

    def api_address(self, endpoint: Endpoint) -> str | None:
        return None


async def test_a_cluster_that_cannot_be_asked_is_made_and_told_that_its_pods_are_not_carried(stage: Stage) -> None:
    provider = Strict(Cloud(), boot_s=0)
    [told] = [step.message for step in await rows(stage, Inside(), provider) if step.name == "routes"]
    assert told.startswith("Label flannel_backend = host-gw, but which node has which pods cannot be asked")
    assert provider.routed is None


async def test_what_the_network_has_no_room_for_is_told_and_ends_nothing(stage: Stage) -> None:
    provider, driver = Strict(Cloud(), boot_s=0), Routing()
    provider.full = "The router is full."
    driver.said["1"] = "0.0.0.0/0"
    [told] = [step.message for step in await rows(stage, driver, provider, workers=2) if step.name == "routes"]
    assert told.startswith("Pods of these nodes are not carried")
    assert told.endswith("new ones get parts anew. The router is full.")
