"""The driver under the shipped suites, and the live half of them on real engines."""

import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from jeroboam import artifacts, pki
from jeroboam.contracts import Access, ClusterContext, Driver, Image, Machine, Problem, Provider, SystemClock
from jeroboam.domain import ClusterShape
from jeroboam.domain.errors import CoeUnreachable, ConfigError
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders
from jeroboam.testing.driver_suite import DriverSuite, LiveDriverSuite, context_of, specs_of
from jeroboam.testing.life_suite import LifeSuite
from jeroboam.testing.provider_suite import World
from jeroboam.testing.stage import Stage
from jeroboam_coe_docker import DockerHostsDriver, plugin

IMAGE = Image("image-1", "node", {"os_distro": "debian"})


@pytest.mark.conformance(driver="docker")
class TestDockerHosts(DriverSuite):
    @pytest.fixture
    def driver(self) -> Driver:
        return DockerHostsDriver()

    @pytest.fixture
    def image(self) -> Image:
        return IMAGE


def shape(**changes: object) -> ClusterShape:
    return replace(builders.template().shape, coe="docker", driver="docker", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"labels": {"docker_log_mib": "lots"}},
            Problem(
                "Label docker_log_mib = lots is not usable; give a number from 1 to 10000.", "labels.docker_log_mib"
            ),
        ),
        ({"apiserver_port": 6443}, Problem("Port 6443 is not served; 2376 is.", "apiserver_port")),
        ({"tls_disabled": True}, Problem("A Docker API without TLS is not served.", "tls_disabled", "Leave it false.")),
    ],
)
def test_what_is_refused(changes: dict[str, object], problem: Problem) -> None:
    cluster = builders.cluster(shape=shape(labels={}, **changes) if "labels" not in changes else shape(**changes))
    assert DockerHostsDriver().validate(cluster, builders.groups(cluster), IMAGE) == [problem]


def test_the_settings_of_an_engine_ask_for_a_certificate_of_the_cluster() -> None:
    driver = DockerHostsDriver()
    cluster = builders.cluster(shape=shape(labels={"docker_log_mib": "3"}))
    groups = builders.groups(cluster)
    context = context_of(driver, IMAGE, cluster, groups)
    worker = specs_of(cluster, groups)[-1]
    files = {file.path: file for file in driver.node_config(context, worker).files}
    assert json.loads(files["/etc/docker/daemon.json"].content) == {
        "hosts": ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2376"],
        "tlsverify": True,
        "tlscacert": "/etc/docker/tls/ca.pem",
        "tlscert": "/etc/docker/tls/cert.pem",
        "tlskey": "/etc/docker/tls/key.pem",
        "log-driver": "json-file",
        "log-opts": {"max-size": "3m", "max-file": "1"},
    }
    assert files["/etc/docker/tls/ca.pem"].content == context.secrets.ca.cert_pem
    assert files["/etc/docker/tls/key.pem"].mode == 0o600


def test_the_plugin_has_no_settings() -> None:
    assert plugin.create({}).name == "docker"
    with pytest.raises(ConfigError, match=r"^\[docker_driver\] size is not an option\.$"):
        plugin.create({"size": "3"})


async def test_an_address_where_nobody_answers_is_tried_again() -> None:
    now = datetime.now(UTC)
    ca = pki.new_authority("suite", "cluster", now)
    cert, key = pki.client_certificate(ca, "admin", ["system:masters"], now, timedelta(hours=1))
    access = Access("tcp://127.0.0.1:1", ca.cert_pem, cert, key)
    with pytest.raises(CoeUnreachable, match=r"^The Docker API at tcp://127\.0\.0\.1:1 does not answer: "):
        await DockerHostsDriver().health(access, [])


@pytest.mark.conformance(driver="docker", provider="fake", nodes="simulated")
class TestLifeOnSimulatedMachines(LifeSuite):
    operation_s = 60.0

    @pytest.fixture
    def image_id(self) -> str:
        return "fake-image"

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[Stage]:
        store = SqlStore(f"sqlite:///{tmp_path}/life.sqlite", Sealer(b"k" * 32), SystemClock())
        await store.start()
        provider = FakeProvider(Cloud(), boot_s=0.05, reachable=False)
        yield Stage(store, provider, DockerHostsDriver(), SystemClock())
        await store.stop()


@dataclass(frozen=True)
class Hosts:
    """Two real Docker hosts."""

    access: Access
    machines: Sequence[Machine]


async def made(provider: Provider, world: World, context: ClusterContext, driver: Driver) -> Sequence[Machine]:
    """Every machine of the cluster, booted."""
    specs = specs_of(context.cluster, context.groups)
    for spec in specs:
        config = driver.node_config(context, spec)
        await provider.ensure_machine(spec, context.network, context.endpoint, config)
    for spec in specs:
        assert (await world.settled(spec.name, 100)).done, await provider.console_log(spec.cluster_uuid, spec.name)
    return await provider.list_machines(context.cluster.uuid)


@pytest.fixture
async def hosts() -> AsyncIterator[Hosts]:
    driver, provider = DockerHostsDriver(), DockerProvider(DockerSettings())
    await provider.start()
    tag = (await artifacts.build_distro_image("swarm")).tag
    cluster = builders.cluster(name="hosts", shape=shape(labels={}, image_id=tag))
    world = World(provider, cluster, tag)
    try:
        groups = builders.groups(cluster, workers=1)
        network, endpoint = await world.place(driver.network_spec(cluster))
        context = replace(context_of(driver, IMAGE, cluster, groups), network=network, endpoint=endpoint)
        now = datetime.now(UTC)
        secrets = pki.new_cluster_secrets(cluster.name, driver.token_names, now)
        context = replace(context, secrets=secrets)
        machines = await made(provider, world, context, driver)
        cert, key = pki.client_certificate(secrets.ca, "admin", ["system:masters"], now, timedelta(hours=1))
        yield Hosts(Access(driver.api_address(endpoint) or "", secrets.ca.cert_pem, cert, key), machines)
    finally:
        await provider.delete_all(cluster.uuid)
        await provider.stop()


@pytest.mark.docker
@pytest.mark.sockets
@pytest.mark.timeout(300)
@pytest.mark.conformance(driver="docker", provider="docker", nodes="real cluster")
class TestLiveDockerHosts(LiveDriverSuite):
    @pytest.fixture
    def driver(self) -> Driver:
        return DockerHostsDriver()

    @pytest.fixture
    def access(self, hosts: Hosts) -> Access:
        return hosts.access

    @pytest.fixture
    def machines(self, hosts: Hosts) -> Sequence[Machine]:
        return hosts.machines

    async def test_release_stops_what_runs_on_that_host_and_on_no_other(self, driver: Driver, hosts: Hosts) -> None:
        start = "docker load -qi /opt/jeroboam/images/hello*.tar && docker run -d jeroboam.local/hello:1 serve"
        for machine in hosts.machines:
            words = ["docker", "exec", machine.name, "sh", "-c", start]
            subprocess.run(words, check=True, capture_output=True, timeout=100)
        going, staying = hosts.machines
        await driver.release(going, hosts.access)
        assert [len(await running(hosts.access, one)) for one in (going, staying)] == [0, 1]


async def running(access: Access, machine: Machine) -> list[str]:
    context = pki.client_context(access.ca_pem, access.cert_pem, access.key_pem)
    async with httpx.AsyncClient(verify=context, timeout=10, trust_env=False) as client:
        url = f"https://{machine.address}:2376/v1.41/containers/json"
        answer = await client.get(url, extensions={"sni_hostname": machine.name})
        return [str(one["Id"]) for one in answer.raise_for_status().json()]
