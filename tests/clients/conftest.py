"""One service for all client tests: fake machines, identity basic, and three people. ada is a member of project blue, bob of green,
root an administrator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml
from tests.e2e.world import SOON_S, Service, until

from .coe import Coe, Shell

PEOPLE = {"ada": ("blue", "member,reader"), "bob": ("green", "member,reader"), "root": ("admin", "admin,member,reader")}


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("clients")
    service = Service(folder / "data")
    users = folder / "users"
    hashes = {user: bcrypt.hashpw(user.encode() * 3, bcrypt.gensalt(4)).decode() for user in PEOPLE}
    users.write_text("".join(f"{user}:{hashes[user]}:{project}:{roles}\n" for user, (project, roles) in PEOPLE.items()))
    users.chmod(0o600)
    config = folder / "jeroboam.conf"
    config.write_text(
        f"[api]\nhost = 127.0.0.1\nport = {service.port}\n"
        f"[database]\nconnection = sqlite:///{service.folder}/jeroboam.sqlite\n"
        f"[identity]\nmode = basic\nfile = {users}\n[provider]\ndefault = fake\n"
        f"[fake]\nboot_s = 0\ncatalogue = {Path(__file__).with_name('catalogue.yaml')}\n"
        "[quotas]\nmax_clusters_per_project = 1000\n"
    )
    service.argv = ["serve", "--config", str(config)]
    service.start()
    yield service
    service.stop()
    assert service.process is not None
    assert service.process.returncode == 0, service.log
    assert "Traceback" not in service.log


@pytest.fixture(scope="session")
def clouds(service: Service) -> Path:
    """clouds.yaml with every person, by the endpoint that ends in /v1 as a service catalogue has it."""
    path = service.folder.parent / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": {who: _cloud(f"{service.url}/v1", who) for who in PEOPLE}}))
    return path


def _cloud(endpoint: str, who: str) -> dict[str, Any]:
    return {
        "auth_type": "http_basic",
        "auth": {"endpoint": endpoint, "username": who, "password": who * 3},
        "container_infra_endpoint_override": endpoint,
    }


@pytest.fixture(scope="session")
def shell(clouds: Path) -> Iterator[Shell]:
    shell = Shell(clouds, clouds.parent)
    yield shell
    shell.stop()


@pytest.fixture(scope="session")
def ada(shell: Shell) -> Coe:
    return Coe(shell, "ada")


@pytest.fixture(scope="session")
def bob(shell: Shell) -> Coe:
    return Coe(shell, "bob")


@pytest.fixture(scope="session")
def root(shell: Shell) -> Coe:
    return Coe(shell, "root")


@pytest.fixture(scope="session")
def template(ada: Coe) -> str:
    """Name of a template that clusters are made from."""
    flags = ["--coe", "kubernetes", "--image", "fake-image", "--external-network", "public", "--labels", "a=1,b=2"]
    ada("cluster", "template", "create", "k8s", *flags, "--flavor", "small", "--master-flavor", "small")
    return "k8s"


def settled(coe: Coe, cluster: str, status: str) -> dict[str, Any]:
    """The cluster once it has this status."""
    seen = until(lambda: _in(coe, cluster, status), SOON_S, f"{cluster} is {status}", every_s=0.1)
    assert isinstance(seen, dict)
    return seen


def _in(coe: Coe, cluster: str, status: str) -> Any:
    shown: Any = coe.json("cluster", "show", cluster)
    assert shown["status"] in (status, f"{status.split('_')[0]}_IN_PROGRESS"), shown
    return shown if shown["status"] == status else None


def gone(coe: Coe, cluster: str) -> None:
    """Until nothing is found under this name."""
    until(lambda: coe.run("cluster", "show", cluster).code == 1, SOON_S, f"{cluster} is gone", every_s=0.1)
