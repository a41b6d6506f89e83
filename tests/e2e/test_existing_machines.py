"""Clusters on machines that exist already: a swarm through the service, where the provider of another package is chosen by its name."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.installed import EXAMPLES, install

from jeroboam.contracts import SystemClock
from jeroboam.reconcile.scope import Limits
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders
from jeroboam.testing.life_suite import LifeSuite
from jeroboam.testing.stage import Stage
from jeroboam_coe_docker import DockerHostsDriver
from jeroboam_static import StaticProvider

import yard
from .test_swarm import live_swarm
from .world import Service

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(600)]
EXAMPLE = EXAMPLES / "provider-static"


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[yard.Yard]:
    cluster = builders.cluster(name="yard")
    try:
        yield asyncio.run(yard.made(cluster, yard.ssh_image(), tmp_path_factory.mktemp("yard")))
    finally:
        asyncio.run(yard.gone(cluster))


@pytest.fixture(scope="module")
def service(machines: yard.Yard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("static-service")
    install(EXAMPLE, folder)
    env = {
        "PYTHONPATH": os.pathsep.join([str(folder), str(EXAMPLE / "src")]),
        "JEROBOAM_PROVIDER__DEFAULT": "static",
        "JEROBOAM_STATIC__INVENTORY": str(machines.inventory()),
    }
    service = Service(folder / "data", env=env)
    service.start()
    yield service
    service.stop()
    assert service.process is not None
    assert service.process.returncode == 0, service.log


def test_a_swarm_is_made_on_them_and_they_are_free_again(service: Service, machines: yard.Yard, tmp_path: Path) -> None:
    template = service.template("swarm", "host", coe="swarm")
    with live_swarm(service, template, tmp_path) as swarm:
        found = swarm.nodes()
        assert sorted(node["Spec"]["Role"] for node in found.values()) == ["manager", "worker"]
        assert {node["Status"]["State"] for node in found.values()} == {"ready"}
        assert {node["Status"]["Addr"] for node in found.values()} <= set(machines.addresses.values())
        assert "Leader" in swarm.docker("node", "ls")
    leases = [machines.on(name, "ls -d /var/lib/jeroboam-static 2>/dev/null || true") for name in machines.addresses]
    assert leases == [""] * 4


@pytest.mark.conformance(driver="docker", provider="static", nodes="real cluster")
class TestLifeOfDockerHosts(LifeSuite):
    """A driver and a provider that both are of other packages."""

    @pytest.fixture
    def image_id(self) -> str:
        return "host"

    @pytest.fixture
    async def stage(self, machines: yard.Yard, tmp_path: Path) -> AsyncIterator[Stage]:
        store = SqlStore(f"sqlite:///{tmp_path}/life.sqlite", Sealer(b"k" * 32), SystemClock())
        await store.start()
        provider = StaticProvider(machines.inventory())
        await provider.start()
        limits = Limits(boot=timedelta(minutes=3), coe=timedelta(minutes=2))
        yield Stage(store, provider, DockerHostsDriver(), SystemClock(), limits)
        await provider.stop()
        await store.stop()
