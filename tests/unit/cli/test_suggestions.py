"""After a refusal: the names that there are, the nearest, or where they are listed."""

import json
from typing import Any

import pytest

from .conftest import Run
from .scripted import TEMPLATE, UUID, Service, refusal

Capture = pytest.CaptureFixture[str]
FLAVORS = {
    "flavors": [
        {"id": "1", "name": "m1.small", "vcpus": 1.0, "ram_mib": 512, "disk_gib": 10},
        {"id": "2", "name": "m1.large", "vcpus": 0.5, "ram_mib": 0, "disk_gib": None},
        {"id": "3", "name": "bare", "vcpus": 4.0, "ram_mib": 3072, "disk_gib": 0},
    ]
}
CREATE = ("template", "create", "k8s", "--image", "node")


def refused(service: Service, run: Run, capsys: Capture, status: int, message: str, *command: str) -> str:
    """What stands below the message when the service refuses the POST of the command (or the look-up of `demo`)."""
    for method, path in (("POST", "/v1/clustertemplates"), ("POST", "/v1/clusters"), ("GET", "/v1/clusters/demo")):
        service.on(method, path, status, refusal(status, message))
    assert run(*(command or CREATE)) == 1
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == f"Error: {message}"
    return "".join(line.strip() for line in rest)


def test_an_unknown_flavor(service: Service, run: Run, capsys: Capture) -> None:
    more = "`jeroboam flavor list` shows them."
    assert refused(service, run, capsys, 400, "Unable to find flavor m1.big.") == more  # the list is not to be had
    service.on("GET", "/ext/v1/flavors", 200, FLAVORS)
    near = refused(service, run, capsys, 400, "Unable to find flavor m1.larg.")
    assert near == f"Did you mean m1.large? {more}"
    assert refused(service, run, capsys, 400, "Unable to find flavor xyz.") == (
        f"There are: bare, m1.large, m1.small. {more}"
    )


def test_a_long_list_is_not_poured_out(service: Service, run: Run, capsys: Capture) -> None:
    many = [{"name": f"flavor-{number:03}"} for number in range(13)]
    service.on("GET", "/ext/v1/flavors", 200, {"flavors": many})
    assert refused(service, run, capsys, 400, "Unable to find flavor xyz.") == "`jeroboam flavor list` shows them."


@pytest.mark.parametrize(
    ("path", "document", "message", "hint"),
    [
        (
            "/ext/v1/images",
            {"images": [{"name": "node-kubernetes:v1.34.4"}, {"name": "debian"}]},
            "Image node-kubernetes:v1.34 could not be found.",
            "Did you mean node-kubernetes:v1.34.4? On the service's machine, `jeroboam image list` shows those that exist and "
            "`jeroboam image build` makes one.",
        ),
        (
            "/ext/v1/drivers",
            {"drivers": [{"name": "swarm"}, {"name": "lxd"}]},
            "Cluster driver (banana) not supported.",
            "There are: lxd, swarm.",
        ),
        (
            "/v1/clustertemplates",
            {"clustertemplates": [{"name": "k8s", "uuid": TEMPLATE}]},
            "ClusterTemplate kks could not be found.",
            "Did you mean k8s? `jeroboam template list` shows those that exist.",
        ),
        (
            "/none",
            {},
            "Unable to find external network nix.",
            "The operator tells which there are; without the option the service chooses.",
        ),
        (
            "/none",
            {},
            "Unable to find keypair mine.",
            "On an OpenStack cloud `openstack keypair list` shows yours; without the option nodes have no key of yours.",
        ),
        (
            "/none",
            {},
            f"Nothing is recorded here of a cluster {UUID}. It may be another's.",
            "`jeroboam orphans UUID --remove --foreign` removes it all the same.",
        ),
        (
            "/none",
            {},
            "Operation x could not be found.",
            "`jeroboam operation list CLUSTER` shows those of a cluster, by uuid.",
        ),
        ("/none", {}, "Something else is wrong.", ""),
    ],
)
def test_other_names(
    service: Service, run: Run, capsys: Capture, path: str, document: Any, message: str, hint: str
) -> None:
    service.on("GET", path, 200, document)
    assert refused(service, run, capsys, 400, message) == hint


def test_an_unknown_node_group_is_met_with_those_of_its_cluster(service: Service, run: Run, capsys: Capture) -> None:
    service.on("GET", "/v1/clusters/demo", 200, {"uuid": UUID, "name": "demo"})
    groups = [{"name": "default-master"}, {"name": "default-worker"}]
    service.on("GET", f"/v1/clusters/{UUID}/nodegroups", 200, {"nodegroups": groups})
    wrong = refusal(404, "Nodegroup worker could not be found.")
    service.on("POST", f"/v1/clusters/{UUID}/actions/resize", 404, wrong)
    assert run("cluster", "resize", "demo", "3", "--nodegroup", "worker") == 1
    assert capsys.readouterr().err.splitlines()[1].strip() == "Did you mean default-worker?"


def test_an_ambiguous_template_names_the_uuids(service: Service, run: Run, capsys: Capture) -> None:
    alike = [{"name": name, "uuid": f"uuid-{number}"} for number, name in enumerate(("k8s", "other", "k8s"))]
    service.on("GET", "/v1/clustertemplates", 200, {"clustertemplates": alike})
    message = "Multiple ClusterTemplates exist with same name. Please use the ClusterTemplate uuid instead."
    for path in ("/v1/clusters", "/ext/v1/clusters/plan"):
        service.on("POST", path, 409, refusal(409, message))
    service.on("GET", "/v1/clustertemplates/k8s", 409, refusal(409, message))
    said = "Error: Several templates are called 'k8s'.\n       Name one by its uuid: uuid-0, uuid-2.\n"
    create = ("cluster", "create", "demo", "--template", "k8s")
    for command in (create, (*create, "--dry-run"), ("template", "show", "k8s")):
        assert run(*command) == 1
        assert capsys.readouterr().err == said


def test_a_template_in_use_names_its_clusters(service: Service, run: Run, capsys: Capture) -> None:
    message = f"ClusterTemplate {TEMPLATE} is referenced by one or multiple clusters."
    assert refused(service, run, capsys, 400, message) == ""
    clusters = [{"name": f"c{number}", "cluster_template_id": TEMPLATE} for number in range(2)]
    clusters.append({"name": "other", "cluster_template_id": UUID})
    service.on("GET", "/v1/clusters", 200, {"clusters": clusters})
    assert refused(service, run, capsys, 400, message) == "Delete its clusters first: c0, c1."
    service.on("GET", "/v1/clusters", 200, {"clusters": clusters[:1] * 13})
    assert refused(service, run, capsys, 400, message).endswith("c0, c0 and others.")


def test_flavors_are_listed(service: Service, run: Run, capsys: Capture) -> None:
    service.on("GET", "/ext/v1/flavors", 200, FLAVORS)
    assert run("flavor", "list") == 0
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        "NAME VCPUS RAM DISK",
        "m1.small 1 512 MiB 10 GiB",
        "m1.large 0.5 no limit the host's",
        "bare 4 3 GiB none",
    ]
    assert run("flavor", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == FLAVORS["flavors"]
