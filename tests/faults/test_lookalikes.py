"""Faults between the service and a cluster's API, seen by the health scan over real sockets and real TLS."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.faults.conftest import Sight
from tests.faults.lookalike import free_port, tls_server

from jeroboam import pki
from jeroboam.conductor.access import AdminAccess
from jeroboam.conductor.health import HealthScan
from jeroboam.contracts import Address, CertificateAuthority, Endpoint, Network, NetworkSpec, SystemClock
from jeroboam.domain import Cluster, Health
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.testing.stage import Stage

pytestmark = pytest.mark.sockets
BEGAN = datetime.now(UTC) - timedelta(hours=1)


class AtPort(FakeProvider):
    """The cluster's API is published on a port of this machine, where the test may listen."""

    port = 0

    async def ensure_endpoint(self, cluster: Cluster, network: Network, spec: NetworkSpec) -> Endpoint:
        found = await super().ensure_endpoint(cluster, network, spec)
        return replace(found, outside=Address("127.0.0.1", self.port))


@dataclass
class Made:
    """A complete cluster of fake machines, and its CA."""

    stage: Stage
    cluster: Cluster
    ca: CertificateAuthority
    port: int

    async def scanned(self) -> Cluster:
        """As it stands after a look at its health, by the driver of Kubernetes."""
        drivers = {"fake": KubernetesDriver()}
        access = AdminAccess(SystemClock())
        scan = HealthScan(self.stage.store, self.stage.provider, drivers, SystemClock(), access, every=timedelta(0))
        assert await scan.once() == 1
        return (await self.stage.row(self.cluster)).cluster


@pytest.fixture
async def made(stage: Stage) -> Made:
    provider = AtPort(Cloud(), boot_s=0)
    provider.port = free_port()
    placed = replace(stage, provider=provider)
    cluster, create = await placed.add()
    assert (await placed.run(create)).state == "succeeded"
    kept = await stage.store.get_secrets(cluster.uuid)
    return Made(placed, cluster, pki.unpack(kept).ca, provider.port)


async def found_ill(made: Made, sight: Sight) -> None:
    sight.begins()
    cluster = await made.scanned()
    assert cluster.health is Health.UNHEALTHY
    sight.health(cluster.health_reason)


async def test_the_stand_in_counts_as_an_api_server_when_nothing_is_wrong(made: Made) -> None:
    with tls_server(made.port, made.ca, BEGAN, clients_of=made.ca):
        assert (await made.scanned()).health_reason["api"] == "ok"


@pytest.mark.fault("api-wrong-ca")
async def test_a_server_of_another_ca(made: Made, sight: Sight) -> None:
    other = pki.new_authority("other", "cluster", datetime.now(UTC))
    with tls_server(made.port, other, BEGAN, clients_of=made.ca):
        await found_ill(made, sight)


@pytest.mark.fault("clock-before-certificate")
async def test_a_certificate_that_begins_tomorrow(made: Made, sight: Sight) -> None:
    with tls_server(made.port, made.ca, BEGAN + timedelta(days=1), clients_of=made.ca):
        await found_ill(made, sight)


@pytest.mark.fault("clock-skew")
async def test_a_control_plane_whose_clock_is_ahead(made: Made, sight: Sight) -> None:
    with tls_server(made.port, made.ca, BEGAN, ahead=timedelta(hours=2), clients_of=made.ca):
        await found_ill(made, sight)


@pytest.mark.fault("api-unreachable")
async def test_nothing_at_the_port(made: Made, sight: Sight) -> None:
    await found_ill(made, sight)


@pytest.mark.fault("certificate-refused")
async def test_a_server_that_does_not_know_our_certificate(made: Made, sight: Sight) -> None:
    other = pki.new_authority("other", "cluster", datetime.now(UTC))
    with tls_server(made.port, made.ca, BEGAN, clients_of=other):
        await found_ill(made, sight)
