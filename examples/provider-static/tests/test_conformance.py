"""The provider under the shipped suites, on machines that have an sshd and nothing of ours; with simulated and real clusters."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from jeroboam.contracts import Driver, Provider, SystemClock
from jeroboam.drivers.fake import FakeDriver
from jeroboam.drivers.swarm import SwarmDriver
from jeroboam.reconcile.scope import Limits
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing.life_suite import LifeSuite
from jeroboam.testing.provider_suite import CensusSuite, ProviderSuite
from jeroboam.testing.stage import Stage
from jeroboam_static import StaticProvider

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(600)]


@pytest.mark.conformance(provider="static", nodes="real machines")
class TestStaticProvider(ProviderSuite, CensusSuite):
    @pytest.fixture
    async def provider(self, inventory: Path) -> Provider:
        provider = StaticProvider(inventory)
        await provider.start()
        return provider

    @pytest.fixture
    def image_id(self) -> str:
        return "host"


class OnTheYard(LifeSuite):
    @pytest.fixture
    def image_id(self) -> str:
        return "host"

    @pytest.fixture
    async def stage(self, driver: Driver, inventory: Path, tmp_path: Path) -> AsyncIterator[Stage]:
        store = SqlStore(f"sqlite:///{tmp_path}/life.sqlite", Sealer(b"k" * 32), SystemClock())
        await store.start()
        provider = StaticProvider(inventory)
        await provider.start()
        limits = Limits(boot=timedelta(minutes=3), coe=timedelta(minutes=2))
        yield Stage(store, provider, driver, SystemClock(), limits)
        await provider.stop()
        await store.stop()


@pytest.mark.conformance(driver="fake", provider="static", nodes="real machines")
class TestLifeOfASimulatedCluster(OnTheYard):
    @pytest.fixture
    def driver(self) -> Driver:
        return FakeDriver()


@pytest.mark.conformance(driver="swarm", provider="static", nodes="real cluster")
class TestLifeOfASwarm(OnTheYard):
    @pytest.fixture
    def driver(self) -> Driver:
        return SwarmDriver()
