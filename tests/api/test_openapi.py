"""The OpenAPI documents: sound, complete, in the files, and true where they speak of policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from jeroboam.api import openapi
from jeroboam.api.openapi.__main__ import text
from jeroboam.service import Policy

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

DOCUMENTS = openapi.documents()
FILES = Path(__file__).parents[2] / "docs" / "api"
BOTH = pytest.mark.parametrize("name", ["v1", "ext"])
ERRORS = {"$ref": "#/components/schemas/Errors"}
Operation = dict[str, Any]


def operations(name: str) -> dict[tuple[str, str], Operation]:
    paths = DOCUMENTS[name]["paths"]
    return {(method.upper(), path): one for path, methods in paths.items() for method, one in methods.items()}


def resolved(name: str, node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = DOCUMENTS[name]
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


@BOTH
def test_it_is_openapi(name: str) -> None:
    faults = jsonschema_rs.validator_for(OPENAPI_31).iter_errors(DOCUMENTS[name])
    assert [(fault.message, list(fault.instance_path)) for fault in faults] == []


@BOTH
def test_its_file_is_what_the_code_says(name: str) -> None:
    """After a change of the API: make openapi."""
    assert (FILES / f"{name}.json").read_text() == text(DOCUMENTS[name])


@BOTH
async def test_it_is_served_to_who_is_known(member: Api, anonymous: Api, name: str) -> None:
    path = f"/ext/v1/openapi/{name}.json"
    answer = await member.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENTS[name]
    assert (await anonymous.get(path)).status_code == 401


def test_it_has_every_path_that_the_application_has(anonymous: Api) -> None:
    app = cast("Any", anonymous.transport.app)
    served = {route.path.replace(":str", "") for route in app.routes}
    public = {"/", "/v1", "/healthcheck", "/healthz", "/readyz"}
    closed = {"/v1/clusters/{ident}/actions", "/v1/clusters/{ident}/actions/{action}", "/v1/mservices/{ident}"}
    assert served - public - closed == set(DOCUMENTS["v1"]["paths"]) | set(DOCUMENTS["ext"]["paths"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/clustertemplates", "201"),
        ("GET", "/v1/clustertemplates/detail", "200"),
        ("PATCH", "/v1/clustertemplates/{ident}", "200"),
        ("POST", "/v1/clusters", "202"),
        ("PATCH", "/v1/clusters/{ident}", "202"),
        ("DELETE", "/v1/clusters/{ident}", "204"),
        ("POST", "/v1/clusters/{ident}/actions/resize", "202"),
        ("POST", "/v1/clusters/{ident}/actions/upgrade", "202"),
        ("POST", "/v1/clusters/{cluster}/nodegroups", "202"),
        ("PATCH", "/v1/clusters/{cluster}/nodegroups/{ident}", "202"),
        ("POST", "/v1/certificates", "201"),
        ("PATCH", "/v1/certificates/{ident}", "202"),
        ("PATCH", "/v1/credentials/{ident}", "202"),
        ("PATCH", "/v1/quotas/{project}/{resource}", "202"),
        ("POST", "/v1/federations", "202"),
    ],
)
def test_statuses_of_success(method: str, path: str, status: str) -> None:
    answers = operations("v1")[method, path]["responses"]
    assert [one for one in answers if one < "400"] == [status]


@BOTH
def test_every_operation_is_whole(name: str) -> None:
    ids = set()
    for (method, path), one in operations(name).items():
        ids.add(one["operationId"])
        assert one["summary"], path
        parameters = [resolved(name, parameter) for parameter in one["parameters"]]
        assert [p["name"] for p in parameters if p["in"] == "path"] == [
            part[1:-1] for part in path.split("/") if part.startswith("{")
        ]
        for parameter in parameters:
            jsonschema_rs.meta.validate(parameter["schema"])
        for media in one.get("requestBody", {"content": {}})["content"].values():
            assert media["schema"]["type"] in ("object", "array")
            jsonschema_rs.meta.validate(media["schema"])
        assert "requestBody" not in one or method in ("POST", "PATCH")
        assert {"400", "401", "406", "500", "503"} <= set(one["responses"])
    assert len(ids) == len(operations(name))


@BOTH
def test_every_error_has_the_contracts_shape(name: str) -> None:
    for (_, path), one in operations(name).items():
        for status, answer in one["responses"].items():
            if status < "400":
                continue
            shown = resolved(name, answer)["content"]["application/json"]["schema"]
            if status == "401":
                assert shown == {"$ref": "#/components/schemas/Unauthorized"}, path
            elif status == "406":
                assert shown == {"anyOf": [ERRORS, {"$ref": "#/components/schemas/Unsupported"}]}, path
            else:
                assert shown == ERRORS, path
    entry = resolved(name, {"$ref": "#/components/schemas/ErrorEntry"})
    assert set(entry["properties"]) == {"request_id", "code", "status", "title", "detail", "links"}


def test_what_a_cluster_may_be_is_told_to_the_letter() -> None:
    one = operations("v1")["POST", "/v1/clusters"]
    assert (one["x-openstack-policy"], one["x-openstack-since"]) == ("cluster:create", "1.1")
    schema = one["requestBody"]["content"]["application/json"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["cluster_template_id"], False)
    known = schema["properties"]
    assert known["name"] == {
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": 242,
        "pattern": "^[a-zA-Z][a-zA-Z0-9_.-]*$",
    }
    assert (known["master_count"]["minimum"], known["master_count"]["default"]) == (1, 1)
    assert known["health_status"]["enum"] == ["HEALTHY", "UNHEALTHY", "UNKNOWN", None]
    assert known["stack_id"] == {"type": "null", "readOnly": True}
    template = operations("v1")["POST", "/v1/clustertemplates"]["requestBody"]["content"]["application/json"]["schema"]
    assert template["required"] == ["coe", "image_id"]
    coes = ["kubernetes", "swarm", "swarm-mode", "lxd"]  # and those of whatever driver is loaded
    assert template["properties"]["coe"] == {"type": "string", "minLength": 1, "maxLength": 255, "examples": coes}
    assert template["properties"]["apiserver_port"]["minimum"] == 1024
    rollback = operations("v1")["PATCH", "/v1/clusters/{ident}"]["parameters"][1]
    assert (rollback["name"], rollback["x-openstack-since"]) == ("rollback", "1.3")
    assert operations("v1")["GET", "/v1/clusters/{cluster}/nodegroups"]["x-openstack-since"] == "1.9"


BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/clustertemplates"): {"coe": "kubernetes", "image_id": "fake-image"},
    ("POST", "/v1/clusters"): {"cluster_template_id": "k8s"},
    ("POST", "/ext/v1/clusters/plan"): {"cluster_template_id": "k8s"},
    ("POST", "/v1/clusters/{ident}/actions/resize"): {"node_count": 1},
    ("POST", "/v1/clusters/{ident}/actions/upgrade"): {"cluster_template": "k8s"},
    ("POST", "/v1/clusters/{cluster}/nodegroups"): {"name": "more"},
    ("POST", "/v1/certificates"): {"cluster_uuid": "demo", "csr": "x"},
    ("POST", "/ext/v1/clusters/{ident}/certificates"): {"csr": "x"},
    ("POST", "/v1/quotas"): {"project_id": "p"},
    ("PATCH", "/v1/quotas/{project}/{resource}"): {},
    ("POST", "/v1/federations"): {"hostcluster_id": "demo"},
}
RULED = [
    (method, path, one["x-openstack-policy"])
    for name in DOCUMENTS
    for (method, path), one in operations(name).items()
    if "x-openstack-policy" in one
]


@pytest.mark.parametrize(("method", "path", "rule"), RULED)
async def test_the_policy_that_is_told_is_the_one_that_is_asked(
    make: Maker, tmp_path: Path, method: str, path: str, rule: str
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(json.dumps({rule: "!"}))
    places = {
        "uuid": "0b6e8f0e-0000-4000-8000-000000000000",
        "ident": "demo",
        "cluster": "demo",
        "project": "project-1",
        "resource": "Cluster",
        "name": "fake",
    }
    before = make().as_("user-1")
    await before.cluster()
    if "clustertemplates" in path:
        places["ident"] = "k8s"
    if "nodegroups/" in path:
        places["ident"] = "default-worker"
    if "operations/" in path:
        places["uuid"] = (await before.get("/ext/v1/clusters/demo/operations")).json()["operations"][0]["uuid"]
    barred = make(policy=Policy(file)).as_("user-1").at("latest")
    body = BODIES.get((method, path), [] if method == "PATCH" else None)
    answer = await barred.call(method, path.format(**places), json=body)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["detail"]) == (403, f"Policy doesn't allow {rule} to be performed.")
