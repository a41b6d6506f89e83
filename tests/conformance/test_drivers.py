"""The drivers under the suite that outside drivers run too."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from jeroboam import pki
from jeroboam.contracts import Access, Driver, Image, Machine, MachineState
from jeroboam.domain import Role
from jeroboam.drivers.fake import FakeDriver, StatefulFakeDriver
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.drivers.lxd import LxdDriver
from jeroboam.drivers.swarm import SwarmDriver
from jeroboam.testing.driver_suite import DriverSuite, LiveDriverSuite, LiveRenewalSuite

DEBIAN = Image("image-1", "node", {"os_distro": "debian", "kube_version": "v1.34.4"})


@pytest.mark.conformance(driver="fake")
class TestFakeDriver(DriverSuite, LiveDriverSuite):
    @pytest.fixture
    def driver(self) -> Driver:
        return FakeDriver()

    @pytest.fixture
    def image(self) -> Image:
        return DEBIAN

    @pytest.fixture
    def machines(self) -> Sequence[Machine]:
        return [Machine(n, n, "c", "g", Role.WORKER, 0, MachineState.RUNNING) for n in ("node-0", "node-1")]

    @pytest.fixture
    def access(self) -> Access:
        now = datetime.now(UTC)
        ca = pki.new_authority("suite", "cluster", now)
        cert, key = pki.client_certificate(ca, "admin", ["system:masters"], now, timedelta(hours=1))
        return Access("https://127.0.0.1:20000", ca.cert_pem, cert, key)


class TestStatefulFakeDriver(TestFakeDriver, LiveRenewalSuite):
    @pytest.fixture
    def driver(self) -> Driver:
        return StatefulFakeDriver()


@pytest.mark.conformance(driver="kubernetes")
class TestKubernetesDriver(DriverSuite):
    """Its live half runs on a real cluster, in tests/e2e."""

    @pytest.fixture
    def driver(self) -> Driver:
        return KubernetesDriver()

    @pytest.fixture
    def image(self) -> Image:
        return DEBIAN


@pytest.mark.conformance(driver="lxd")
class TestLxdDriver(DriverSuite):
    """Its live half runs on a real LXD cluster, in tests/e2e."""

    @pytest.fixture
    def driver(self) -> Driver:
        return LxdDriver()

    @pytest.fixture
    def image(self) -> Image:
        return Image("image-3", "node", {"os_distro": "debian", "lxd_version": "v5.0.2"})


@pytest.mark.conformance(driver="swarm")
class TestSwarmDriver(DriverSuite):
    """Its live half runs on a real swarm, in tests/e2e."""

    @pytest.fixture
    def driver(self) -> Driver:
        return SwarmDriver()

    @pytest.fixture
    def image(self) -> Image:
        return Image("image-2", "node", {"os_distro": "debian", "docker_version": "v20.10.24"})
