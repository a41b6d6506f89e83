"""The real thing: `jeroboam up` as a process on real Docker, and one Kubernetes cluster that the tests share."""

import asyncio
from collections.abc import Iterator

import pytest

from jeroboam import artifacts

from .world import Cluster, Service


@pytest.fixture(scope="session")
def node_image() -> str:
    return asyncio.run(artifacts.build_node_image()).tag


@pytest.fixture(scope="session")
def kubectl_program(node_image: str) -> str:
    return str(artifacts.binary_path(node_image.rpartition(":")[2], "kubectl"))


@pytest.fixture(scope="session")
def service(node_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("service") / "data")
    service.start()
    yield service
    service.stop()
    assert service.process is not None
    assert service.process.returncode == 0, service.log


@pytest.fixture(scope="session")
def cluster(service: Service, node_image: str, kubectl_program: str) -> Iterator[Cluster]:
    """One control plane, two workers."""
    uuid = service.ask_cluster(service.template("shared", node_image), "shared", node_count=2)
    try:
        service.settle(uuid, "CREATE_COMPLETE")
        kubeconfig = service.folder.parent / "kubeconfig"
        service.cli("cluster", "config", uuid, "--file", str(kubeconfig))
        yield Cluster(uuid, kubeconfig, kubectl_program)
    finally:
        service.remove(uuid)


@pytest.fixture(scope="session")
def swarm_image() -> str:
    return asyncio.run(artifacts.build_distro_image("swarm")).tag


@pytest.fixture(scope="session")
def lxd_image() -> str:
    return asyncio.run(artifacts.build_distro_image("lxd")).tag


@pytest.fixture(scope="session")
def light_service(swarm_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("swarm-service") / "data")
    service.start()
    yield service
    service.stop()
    assert service.process is not None
    assert service.process.returncode == 0, service.log
