"""Three managers get another CA one by one while people use their Docker API: nobody is turned away for long."""

from collections.abc import Iterator

import pytest

from .swarm_use import User, serve
from .test_swarm import Swarm, live_swarm
from .test_swarm_renewal import GAP_S, check_another_ca
from .world import Service, containers

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(900)]
TOGETHER_S = 10.0  # the Docker API of three managers, one of which goes at a time; seconds, on a loaded machine


@pytest.fixture(scope="module")
def trio(light_service: Service, swarm_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """Three managers, two workers, and a service on the workers."""
    template = light_service.template("swarm-trio", swarm_image, coe="swarm", master_lb_enabled=True)
    config = tmp_path_factory.mktemp("docker-config")
    with live_swarm(light_service, template, config, node_count=2, master_count=3) as made:
        serve(made)
        yield made


def test_another_ca_of_three_managers_and_the_api_answers_all_the_while(trio: Swarm, light_service: Service) -> None:
    api, web = check_another_ca(light_service, trio, User(light_service, trio))
    print(f"CA, three managers: API {api}; service {web}")
    states = {
        name: node["ManagerStatus"]["Reachability"] for name, node in trio.nodes().items() if "ManagerStatus" in node
    }
    assert states == dict.fromkeys(containers(trio.uuid, "control-plane"), "reachable")
    assert web.gap_s < GAP_S, str(web)
    assert api.gap_s < TOGETHER_S, str(api)
