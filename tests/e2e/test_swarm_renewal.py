"""Real swarms whose machines are made anew under people who use them: another node image, other credentials, another CA."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jeroboam import artifacts

from .polling import Polling
from .swarm_use import User, address_of, answers_of, serve
from .test_swarm import Swarm, live_swarm
from .world import PROGRAM, Service, containers, run

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(900)]
LATEST = {"OpenStack-API-Version": "container-infra latest"}
GAP_S = 5.0  # a service that runs on two workers, one of which goes at a time; seconds, on a loaded machine
ALONE_S = 20.0  # the Docker API while the only manager is made anew


def settled(service: Service, swarm: Swarm, within_s: float = 400) -> None:
    service.settle(swarm.uuid, "UPDATE_COMPLETE", within_s)


def ask(service: Service, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    answer = service.api(method, path, json=body, headers=LATEST)
    assert answer.status_code == 202, answer.text


def ids(cluster: str) -> dict[str, str]:
    """Container ids of the nodes, by name."""
    said = run(
        "docker", "ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}", "--filter", f"label=jeroboam.cluster={cluster}"
    )
    return dict(line.split() for line in said.splitlines())


def members(swarm: Swarm) -> dict[str, tuple[str, str, str, str]]:
    """What the swarm knows its nodes by, what they are, and where their machines live."""
    return {
        name: (node["ID"], node["Spec"]["Role"], node["Spec"]["Availability"], address_of(name))
        for name, node in swarm.nodes().items()
    }


def image_id(tag: str) -> str:
    return run("docker", "image", "inspect", "-f", "{{.Id}}", tag)


def engine_of(tag: str) -> str:
    return run("docker", "image", "inspect", "-f", "{{.Config.Labels.docker_version}}", tag)


def engines(swarm: Swarm) -> set[str]:
    """What the managers' list says that the nodes run, without Debian's part."""
    said = (node["Description"]["Engine"]["EngineVersion"] for node in swarm.nodes().values())
    return {"v" + version.partition("+")[0] for version in said}


def entered(service: Service, swarm: Swarm) -> None:
    """The docker client's context anew, as a user does it after a rotation."""
    env = {"JEROBOAM_URL": service.url, "DOCKER_CONFIG": str(swarm.config)}
    run(*PROGRAM, "cluster", "config", swarm.uuid, env=env)


def inner_ca(swarm: Swarm) -> str:
    """The CA between the swarm's own nodes."""
    return swarm.docker("swarm", "ca")


def rebuilt(service: Service, swarm: Swarm) -> list[str]:
    """The machines that the newest operation made anew, in order."""
    [newest, *_] = service.api("GET", f"/ext/v1/clusters/{swarm.uuid}/operations").json()["operations"]
    steps = service.api("GET", f"/ext/v1/operations/{newest['uuid']}/steps").json()["steps"]
    return [step["target"] for step in steps if step["name"] == "rebuild"]


def newer_engine() -> artifacts.NodeImage | None:
    """The node image of Docker Engine 26, where it was built on this machine: a minute or two, once."""
    if all(image.tag != "jeroboam/node-swarm:v26.1.5" for image in asyncio.run(artifacts.list_node_images())):
        return None
    return asyncio.run(artifacts.build_distro_image("swarm", "26.1.5"))


@pytest.fixture(scope="module")
def second_image(swarm_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`jeroboam image build --coe swarm --version 26.1.5`; where nobody did that, another image of the same engine."""
    if newer := newer_engine():
        yield newer.tag
        return
    tag, name = "jeroboam/node-swarm:second", "jeroboam-test-second-image"
    run("docker", "rm", "-f", name, check=False)
    run("docker", "create", "--name", name, swarm_image)
    (mark := tmp_path_factory.mktemp("second") / "second").write_text("")
    run("docker", "cp", str(mark), f"{name}:/etc/second")
    run("docker", "commit", "--change", "LABEL jeroboam.recipe=second", name, tag)
    run("docker", "rm", name)
    yield tag
    run("docker", "rmi", tag, check=False)


@pytest.fixture(scope="module")
def small(light_service: Service, swarm_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """One manager, two workers, and a service on the workers."""
    template = light_service.template("swarm-small", swarm_image, coe="swarm")
    with live_swarm(light_service, template, tmp_path_factory.mktemp("docker-config"), node_count=2) as made:
        serve(made)
        yield made


def test_other_credentials_and_the_only_manager_keeps_its_swarm(small: Swarm, light_service: Service) -> None:
    before, machines = members(small), ids(small.uuid)
    tokens = {role: small.docker("swarm", "join-token", "-q", role) for role in ("worker", "manager")}
    user = User(light_service, small)
    user.nodes()
    with Polling(user.nodes) as api, answers_of(small) as web:
        ask(light_service, "PATCH", f"/v1/credentials/{small.uuid}")
        settled(light_service, small)
    print(f"credentials, one manager: API {api}; service {web}")
    assert members(small) == before
    assert not set(ids(small.uuid).values()) & set(machines.values())
    for role, token in tokens.items():
        assert small.docker("swarm", "join-token", "-q", role) not in ("", token)
    assert len(user.cas) == 1
    assert web.gap_s < GAP_S, str(web)
    assert api.gap_s < ALONE_S, str(api)


def test_another_node_image_and_the_only_manager_keeps_its_swarm(
    small: Swarm, light_service: Service, second_image: str
) -> None:
    before = members(small)
    template = light_service.template("swarm-second", second_image, coe="swarm")
    user = User(light_service, small)
    user.nodes()
    with Polling(user.nodes) as api, answers_of(small) as web:
        ask(light_service, "POST", f"/v1/clusters/{small.uuid}/actions/upgrade", {"cluster_template": template})
        settled(light_service, small)
    print(f"upgrade, one manager: API {api}; service {web}")
    assert members(small) == before
    for name in containers(small.uuid):
        assert run("docker", "inspect", "-f", "{{.Config.Image}}", name) == image_id(second_image)
    assert engines(small) == {engine_of(second_image)}
    shown = light_service.api("GET", f"/v1/clusters/{small.uuid}").json()
    assert shown["coe_version"] == engine_of(second_image)
    steps = rebuilt(light_service, small)
    assert steps[0] in containers(small.uuid, "control-plane")
    assert sorted(steps) == containers(small.uuid)
    assert web.gap_s < GAP_S, str(web)
    assert api.gap_s < ALONE_S, str(api)


def check_another_ca(service: Service, swarm: Swarm, user: User) -> tuple[Polling, Polling]:
    """Rotate, and hold against it what a rotation promises; what was seen meanwhile."""
    before, inner, token = members(swarm), inner_ca(swarm), swarm.docker("swarm", "join-token", "-q", "manager")
    user.nodes()
    old = user.context
    with Polling(user.nodes) as api, answers_of(swarm) as web:
        ask(service, "PATCH", f"/v1/certificates/{swarm.uuid}")
        settled(service, swarm, 600)
    assert len(set(user.cas)) == 2
    assert members_by(user) == {name: seen[0] for name, seen in before.items()}
    with httpx.Client(verify=old, trust_env=False, timeout=10) as client, pytest.raises(httpx.HTTPError):
        client.get(f"{user.address}/v1.41/nodes")
    assert swarm.docker("node", "ls", check=False) == ""
    entered(service, swarm)
    assert members(swarm) == before
    assert inner_ca(swarm) != inner
    assert swarm.docker("swarm", "join-token", "-q", "manager") not in ("", token)
    managers = containers(swarm.uuid, "control-plane")
    for name in managers:
        assert run("docker", "exec", name, "grep", "-c", "BEGIN CERT", "/etc/docker/tls/ca.pem") == "1"
    steps = rebuilt(service, swarm)
    assert sorted(steps) == sorted([*before, *managers])
    assert sorted(steps[-len(managers) :]) == managers
    return api, web


def members_by(user: User) -> dict[str, str]:
    return {node["Description"]["Hostname"]: node["ID"] for node in user.nodes()}


def test_another_ca_and_the_only_manager_keeps_its_swarm(small: Swarm, light_service: Service) -> None:
    api, web = check_another_ca(light_service, small, User(light_service, small))
    print(f"CA, one manager: API {api}; service {web}")
    assert web.gap_s < GAP_S, str(web)
    assert api.gap_s < ALONE_S, str(api)
