"""What the catalogue says to a request: texts of the API contract (2.2, 3.2, 3.3), on the example that the docs show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.contracts import Driver
from jeroboam.drivers.fake import plugin as driver_plugin
from jeroboam.providers.fake import FakeProvider
from jeroboam.providers.fake.settings import read_settings
from jeroboam.service import ServiceSettings

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

EXAMPLE = Path(__file__).parents[2] / "docs" / "howto" / "fake-catalogue.yaml"
GOOD = {
    "coe": "kubernetes",
    "image_id": "fedora-coreos-41",
    "flavor_id": "m1.small",
    "master_flavor_id": "m1.medium",
    "external_network_id": "public",
}


@pytest.fixture
def cloud(make: Maker) -> Api:
    """A member at the example's cloud, with its drivers; beta ones are off."""
    return at(make, ServiceSettings()).as_("user-1")


def at(make: Maker, settings: ServiceSettings) -> Api:
    provider = FakeProvider(**read_settings({"catalogue": str(EXAMPLE), "boot_s": "0"}))
    declared: dict[str, Driver] = {d.name: driver_plugin.declare(d, {}) for d in provider.declared_drivers}
    return make(provider=provider, drivers=declared, settings=settings)


def detail(answer: Any) -> str:
    [error] = answer.json()["errors"]
    return str(error["detail"])


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"image_id": "nope"}, 400, "Image nope could not be found."),
        ({"image_id": "secret"}, 403, "Not authorized for image secret."),
        ({"image_id": "bare"}, 400, "Image bare doesn't contain os_distro field."),
        ({"image_id": "twice"}, 409, "Multiple images exist with same name 'twice'. Please use the image ID instead."),
        ({"image_id": "img-1"}, 201, ""),
        ({"flavor_id": "huge"}, 400, "Unable to find flavor huge."),
        ({"master_flavor_id": "huge"}, 400, "Unable to find flavor huge."),
        (
            {"flavor_id": "diskless"},
            400,
            "Flavor with zero root volume size is not supported when boot_volume_size is zero.",
        ),
        ({"flavor_id": "diskless", "labels": {"boot_volume_size": "10"}}, 201, ""),
        ({"external_network_id": "private"}, 400, "Unable to find external network private."),
        (
            {"external_network_id": "outside"},
            409,
            "Multiple external networks exist with same name 'outside'. Please use the external network ID instead.",
        ),
        ({"fixed_network": "nope"}, 400, "Unable to find fixed network nope."),
        (
            {"fixed_network": "inside"},
            409,
            "Multiple networks exist with same name 'inside'. Please use the network ID instead.",
        ),
        ({"fixed_subnet": "nope"}, 400, "Unable to find fixed subnet nope."),
        (
            {"fixed_subnet": "double"},
            409,
            "Multiple subnets exist with same name 'double'. Please use the subnet ID instead.",
        ),
        ({"keypair_id": "nobody"}, 201, ""),
        ({"driver": "nope"}, 400, "Cluster driver (nope) not supported."),
        (
            {"network_driver": "docker"},
            400,
            "Network driver type docker is not supported, expecting a flannel/calico/cilium/unspecified network driver.",
        ),
        (
            {"network_driver": "cilium"},
            400,
            "Network driver type cilium is not allowed, expecting a flannel/calico/unspecified network driver. ",
        ),
        (
            {"volume_driver": "nfs"},
            400,
            "Volume driver type nfs is not supported, expecting a cinder/unspecified volume driver.",
        ),
        (
            {"docker_storage_driver": "devicemapper", "docker_volume_size": 2},
            400,
            "docker volume size 2 GB is not valid, expecting minimum value 3GB for devicemapper storage driver.",
        ),
    ],
)
async def test_a_template(cloud: Api, changes: dict[str, Any], status: int, text: str) -> None:
    answer = await cloud.post("/v1/clustertemplates", GOOD | changes)
    assert (answer.status_code, detail(answer) if text else "") == (status, text)


async def test_a_wrong_driver_is_told_even_to_who_may_not_create(cloud: Api) -> None:
    nobody = cloud.as_("user-2", roles="reader")
    answer = await nobody.post("/v1/clustertemplates", GOOD | {"driver": "nope"})
    assert (answer.status_code, detail(answer)) == (400, "Cluster driver (nope) not supported.")
    answer = await nobody.post("/v1/clustertemplates", GOOD | {"flavor_id": "huge"})
    assert answer.status_code == 403


@pytest.mark.parametrize("patch", [[], [{"op": "replace", "path": "/name", "value": "other"}]])
async def test_a_template_without_flavors_cannot_be_patched_at_all(cloud: Api, patch: list[Any]) -> None:
    made = await cloud.post("/v1/clustertemplates", {"coe": "kubernetes", "image_id": "img-1", "name": "bare"})
    assert made.status_code == 201
    path = f"/v1/clustertemplates/{made.json()['uuid']}"
    answer = await cloud.patch(path, patch)
    assert (answer.status_code, detail(answer)) == (400, "Unable to find flavor None.")
    assert (await cloud.get(path)).json()["name"] == "bare"
    sized = [{"op": "add", "path": "/labels/boot_volume_size", "value": "5"}, *patch]
    assert (await cloud.patch(path, sized)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"keypair": "nobody"}, 404, "Unable to find keypair nobody."),
        ({"keypair": "ada-key"}, 202, ""),
        ({"keypair": "7f"}, 202, ""),
        ({"flavor_id": "huge"}, 400, "Unable to find flavor huge."),
        (
            {"flavor_id": "diskless"},
            400,
            "Flavor with zero root volume size is not supported when boot_volume_size is zero.",
        ),
        ({"fixed_network": "nope"}, 400, "Unable to find fixed network nope."),
        ({"name": "fixed-1"}, 202, ""),
    ],
)
async def test_a_cluster(cloud: Api, changes: dict[str, Any], status: int, text: str) -> None:
    template = (await cloud.post("/v1/clustertemplates", GOOD)).json()["uuid"]
    answer = await cloud.post("/v1/clusters", {"name": "demo", "cluster_template_id": template} | changes)
    assert (answer.status_code, detail(answer) if text else "") == (status, text)


async def test_a_type_that_nobody_serves_is_fine_in_a_template_and_refused_at_the_cluster(cloud: Api) -> None:
    made = await cloud.post("/v1/clustertemplates", GOOD | {"image_id": "plan9"})
    assert made.status_code == 201, made.text
    answer = await cloud.post("/v1/clusters", {"cluster_template_id": made.json()["uuid"]})
    assert answer.status_code == 400
    assert detail(answer).startswith(
        "Cluster type (vm, plan9, kubernetes) is not supported by any loaded cluster driver. Loaded drivers support: ("
    )


async def test_a_beta_driver_wants_to_be_enabled(make: Maker, cloud: Api) -> None:
    body = GOOD | {"image_id": "ubuntu-24", "driver": "k8s_next"}
    answer = await cloud.post("/v1/clustertemplates", body)
    assert answer.status_code == 400
    assert "[drivers]/enabled_beta_drivers" in detail(answer)
    enabled = at(make, ServiceSettings(enabled_beta_drivers=("k8s_next",))).as_("user-1")
    assert (await enabled.post("/v1/clustertemplates", body)).status_code == 201


async def test_an_image_names_its_driver(cloud: Api) -> None:
    made = await cloud.post("/v1/clustertemplates", GOOD | {"image_id": "ubuntu-24"})
    assert (made.status_code, made.json()["driver"]) == (201, "k8s_ubuntu")


async def test_a_quota_of_a_project_that_nobody_knows_is_404_before_policy(cloud: Api) -> None:
    for who in (cloud, cloud.as_("root", "admin", "admin")):
        answer = await who.post("/v1/quotas", {"project_id": "elsewhere", "hard_limit": 1})
        assert (answer.status_code, detail(answer)) == (404, "The project_id elsewhere could not be found.")
    assert (await cloud.post("/v1/quotas", {"project_id": "project-7", "hard_limit": 1})).status_code == 403


async def test_faults_of_operations(cloud: Api) -> None:
    template = (await cloud.post("/v1/clustertemplates", GOOD)).json()["uuid"]
    doomed = await cloud.cluster(name="doomed-1", cluster_template_id=template)
    assert await cloud.finished(doomed) == "failed"
    shown = (await cloud.get(f"/v1/clusters/{doomed}")).json()
    assert (shown["status"], shown["status_reason"]) == ("CREATE_FAILED", "No valid host was found.")
    fixed = await cloud.cluster(name="fixed-1", cluster_template_id=template)
    assert await cloud.finished(fixed) == "succeeded"
    answer = await cloud.at("1.14").post(f"/v1/clusters/{fixed}/actions/resize", {"node_count": 3})
    assert (answer.status_code, detail(answer)) == (400, "Resizing is not supported by this driver.")
    assert (await cloud.get(f"/v1/clusters/{fixed}")).json()["node_count"] == 1


async def test_a_driver_of_another_tool_does_not_bring_its_network_along(make: Maker) -> None:
    member = at(make, ServiceSettings(default_driver="k8s_fedora_coreos")).as_("user-1")
    answer = await member.post("/v1/clustertemplates", GOOD | {"coe": "swarm"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["driver"], answer.json()["network_driver"]) == ("k8s_fedora_coreos", "docker")
