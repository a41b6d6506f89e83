"""Clusters of every driver on simulated machines, and a simulated container tool on real ones. Real ones of both: tests/e2e."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from jeroboam.contracts import Driver, Image, Provider, SystemClock
from jeroboam.drivers.fake import FakeDriver
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.drivers.lxd import LxdDriver
from jeroboam.drivers.swarm import SwarmDriver
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.providers.fake import Cloud, FakeCatalogue, FakeProvider
from jeroboam.reconcile.scope import Limits
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing.life_suite import LifeSuite
from jeroboam.testing.stage import Stage

VERSIONS = {"kube_version": "v1.34.4", "docker_version": "v20.10.24", "lxd_version": "v5.0.2"}
IMAGE = Image("node", "node", {"os_distro": "debian", **VERSIONS})


class Lives(LifeSuite):
    """On a database of its own."""

    @pytest.fixture
    async def stage(self, driver: Driver, provider: Provider, tmp_path: Path) -> AsyncIterator[Stage]:
        store = SqlStore(f"sqlite:///{tmp_path}/life.sqlite", Sealer(b"k" * 32), SystemClock())
        await store.start()
        await provider.start()
        limits = Limits(boot=timedelta(minutes=2), coe=timedelta(minutes=1))
        yield Stage(store, provider, driver, SystemClock(), limits)
        await provider.stop()
        await store.stop()


class OnSimulatedMachines(Lives):
    operation_s = 60.0

    @pytest.fixture
    def provider(self) -> Provider:
        return FakeProvider(Cloud(), boot_s=0.05, catalogue=FakeCatalogue((IMAGE,)), reachable=False)

    @pytest.fixture
    def image_id(self) -> str:
        return "node"


@pytest.mark.conformance(driver="kubernetes", provider="fake", nodes="simulated")
class TestKubernetes(OnSimulatedMachines):
    @pytest.fixture
    def driver(self) -> Driver:
        return KubernetesDriver()


@pytest.mark.conformance(driver="lxd", provider="fake", nodes="simulated")
class TestLxd(OnSimulatedMachines):
    @pytest.fixture
    def driver(self) -> Driver:
        return LxdDriver()


@pytest.mark.conformance(driver="swarm", provider="fake", nodes="simulated")
class TestSwarm(OnSimulatedMachines):
    @pytest.fixture
    def driver(self) -> Driver:
        return SwarmDriver()


@pytest.mark.conformance(driver="fake", provider="fake", nodes="simulated")
class TestFake(OnSimulatedMachines):
    """Its API needs no address to be asked."""

    @pytest.fixture
    def driver(self) -> Driver:
        return FakeDriver()

    @pytest.fixture
    def provider(self) -> Provider:
        return FakeProvider(Cloud(), boot_s=0.05, catalogue=FakeCatalogue((IMAGE,)))


@pytest.mark.docker
@pytest.mark.timeout(900)
@pytest.mark.conformance(driver="fake", provider="docker", nodes="real machines")
class TestFakeOnRealMachines(Lives):
    @pytest.fixture
    def driver(self) -> Driver:
        return FakeDriver()

    @pytest.fixture
    def provider(self) -> Provider:
        return DockerProvider(DockerSettings())

    @pytest.fixture
    def image_id(self, swarm_image: str) -> str:
        return swarm_image
