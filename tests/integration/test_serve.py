"""`jeroboam serve` as a real process with the documented file, and with the same said by environment alone: every option has its effect."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.processes import Stage

pytestmark = [pytest.mark.sockets, pytest.mark.timeout(240)]
CATALOGUE = """
images: [{name: img-a, properties: {os_distro: debian}}]
flavors: [{name: tiny, vcpus: 1, ram: 512, disk: 5}]
networks: [{name: public, external: true}]
drivers:
  - {name: plain, provides: [[vm, debian, kubernetes]]}
  - {name: special, provides: [[vm, debian, kubernetes]]}
"""
MEMBER = {"X-User-Id": "user-1", "X-Project-Id": "project-1", "X-Roles": "member,reader"}


def options(folder: Path, port: int, **changes: str) -> dict[str, str]:
    """All that a file may have to say for a service to run, by `group.option`."""
    (folder / "catalogue.yaml").write_text(CATALOGUE)
    return {
        "api.host": "127.0.0.1",
        "api.port": str(port),
        "database.connection": f"sqlite:///{folder}/jeroboam.sqlite",
        "identity.mode": "trusted_headers",
        "identity.trusted_peers": "127.0.0.1, ::1",
        "provider.default": "fake",
        "fake.catalogue": str(folder / "catalogue.yaml"),
        "quotas.max_clusters_per_project": "1",
        "drivers.default_driver": "special",
        **changes,
    }


def by_file(given: Mapping[str, str], folder: Path) -> tuple[list[str], dict[str, str]]:
    lines: dict[str, list[str]] = {}
    for name, value in given.items():
        group, _, option = name.partition(".")
        lines.setdefault(group, [f"[{group}]"]).append(f"{option} = {value}")
    file = folder / "jeroboam.conf"
    file.write_text("\n".join(line for group in lines.values() for line in group))
    return ["--config", str(file)], {}


def by_environment(given: Mapping[str, str], folder: Path) -> tuple[list[str], dict[str, str]]:
    return [], {"JEROBOAM_" + name.upper().replace(".", "__"): value for name, value in given.items()}


def asked(client: httpx.Client, method: str, path: str, body: object = None) -> tuple[int, Any]:
    answer = client.request(method, path, headers=MEMBER, json=body)
    return answer.status_code, answer.json()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    for service in made.services:
        service.kill()


@pytest.mark.parametrize("said", [by_file, by_environment])
def test_each_option_has_its_effect(said: Any, stage: Stage) -> None:
    arguments, environment = said(options(stage.folder, stage.port), stage.folder)
    service = stage.start("serve", *arguments, **environment)
    service.await_answer()
    with httpx.Client(base_url=service.url, timeout=20, trust_env=False) as client:
        assert client.get("/v1/clusters").status_code == 401  # no headers of a user: [identity] mode
        template = {"name": "k8s", "image_id": "img-a", "coe": "kubernetes", "external_network_id": "public"}
        template |= {"flavor_id": "tiny", "master_flavor_id": "tiny"}
        status, made = asked(client, "POST", "/v1/clustertemplates", template)
        assert status == 201, made
        assert made["driver"] == "special"
        status, error = asked(client, "POST", "/v1/clustertemplates", template | {"image_id": "fake-image"})
        assert (status, error["errors"][0]["detail"]) == (400, "Image fake-image could not be found.")
        wish = {"name": "demo", "cluster_template_id": "k8s"}
        status, made = asked(client, "POST", "/v1/clusters", wish)
        assert status == 202, made
        status, error = asked(client, "POST", "/v1/clusters", wish)
        assert status == 403
        assert "maximum clusters per project, 1." in error["errors"][0]["detail"]
        end = time.monotonic() + 60
        while asked(client, "GET", f"/v1/clusters/{made['uuid']}")[1]["status"] != "CREATE_COMPLETE":
            assert time.monotonic() < end
            time.sleep(0.2)
    assert (stage.folder / "jeroboam.sqlite").stat().st_mode & 0o777 == 0o600


def test_headers_of_a_peer_that_is_not_listed_say_nothing(stage: Stage) -> None:
    given = options(stage.folder, stage.port, **{"identity.trusted_peers": "192.0.2.7"})
    arguments, _ = by_file(given, stage.folder)
    service = stage.start("serve", *arguments)
    service.await_answer()
    with httpx.Client(base_url=service.url, timeout=20, trust_env=False) as client:
        status, error = asked(client, "GET", "/v1/clusters")
    assert status == 401
    assert error["error"]["code"] == 401


@pytest.mark.parametrize("said", [by_file, by_environment])
def test_an_option_that_is_none_stops_the_start_and_names_the_nearest(said: Any, stage: Stage) -> None:
    given = options(stage.folder, stage.port, **{"fake.catalog": "x"})
    arguments, environment = said(given, stage.folder)
    service = stage.start("serve", *arguments, **environment)
    assert service.end() != 0
    assert "[fake] catalog is not an option. The nearest is `catalogue`." in service.err


def test_the_sample_names_every_one_of_them(stage: Stage) -> None:
    command = stage.start("config", "sample")
    assert command.end() == 0
    group = ""
    seen = set()
    for line in command.out.splitlines():
        if line.startswith("["):
            group = line.strip("[]")
        elif " = " in line or line.endswith(" ="):
            seen.add(f"{group}.{line.lstrip('# ').partition(' =')[0]}")
    assert set(options(stage.folder, 1)) <= seen
