"""The label schema of a driver, and what strict_labels refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jeroboam.contracts import LabelSpec
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.service import label_check

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

DRIVER = KubernetesDriver()
TEMPLATE = {"coe": "kubernetes", "image_id": "fake-image", "name": "k8s"}


def detail(answer: object) -> str:
    return str(answer.json()["errors"][0]["detail"])  # type: ignore[attr-defined]


def test_healing_is_wished_of_drivers_that_do_it() -> None:
    wish = {"auto_healing_enabled": "true", "auto_healing_grace": "120", "auto_healing_controller": "draino"}
    assert label_check.findings(DRIVER, wish) == []
    [bad] = label_check.findings(DRIVER, {"auto_healing_grace": "soon"})
    assert (bad.message, bad.hint) == ("Label auto_healing_grace = soon is not usable.", "Give a whole number (s).")
    none = KubernetesDriver()
    none.capabilities = replace(DRIVER.capabilities, heals=frozenset())
    [found] = label_check.findings(none, {"auto_healing_enabled": "true"})
    assert found.message == "Label auto_healing_enabled = true has no effect with the driver kubernetes."


async def test_the_schema_is_served_with_what_the_service_reads_itself(member: Api) -> None:
    answer = await member.get("/ext/v1/drivers/fake/labels")
    assert answer.status_code == 200
    found = {one["name"]: one for one in answer.json()["labels"]}
    assert sorted(found) == [
        *("auto_healing_controller", "auto_healing_enabled", "auto_healing_grace"),
        *("boot_volume_size", "kube_tag", "min_node_count", "strict_labels"),
    ]
    assert found["boot_volume_size"] == {
        "name": "boot_volume_size",
        "type": "int",
        "default": "0",
        "meaning": "Size of a node's root volume; 0 is the flavor's disk.",
        "choices": [],
        "unit": "GiB",
        "editable": False,
        "since": "0.1",
    }
    answer = await member.get("/ext/v1/drivers/nope/labels")
    assert (answer.status_code, detail(answer)) == (404, "Driver nope could not be found. Loaded are: fake.")


async def test_labels_of_the_provider_have_an_effect_with_every_driver(make: Maker) -> None:
    member = make(provider=Zoned(Cloud())).as_("user-1")
    found = {one["name"]: one for one in (await member.get("/ext/v1/drivers/fake/labels")).json()["labels"]}
    assert found["availability_zone"]["meaning"] == "Where nodes stand."
    labels = {"strict_labels": "true", "availability_zone": "az1"}
    assert (await member.post("/v1/clustertemplates", {**TEMPLATE, "labels": labels})).status_code == 201
    answer = await member.post("/v1/clustertemplates", {**TEMPLATE, "labels": {**labels, "boot_volume_type": "fast"}})
    assert (answer.status_code, detail(answer)) == (
        400,
        "Label boot_volume_type = fast has no effect with the driver fake. Leave it out.",
    )


class Zoned(FakeProvider):
    labels = (LabelSpec("availability_zone", "text", "", "Where nodes stand."),)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"flanel_backend": "vxlan"}, "Label flanel_backend is not known to the driver kubernetes."),
        ({"octavia_provider": "ovn"}, "Label octavia_provider = ovn has no effect with the driver kubernetes."),
        ({"flannel_backend": "udp"}, "Label flannel_backend = udp is not usable."),
        ({"service_cluster_ip_range": "10.0.0.1/8"}, "Label service_cluster_ip_range = 10.0.0.1/8 is not usable."),
        ({"kube_tag": "latest"}, "Label kube_tag = latest is not usable."),
        ({"boot_volume_size": "big"}, "Label boot_volume_size = big is not usable."),
        ({"strict_labels": "maybe"}, "Label strict_labels = maybe is not usable."),
    ],
)
def test_a_label_that_will_not_do_what_it_says(labels: dict[str, str], message: str) -> None:
    [found] = label_check.findings(DRIVER, labels)
    assert found.message == message
    assert found.hint


def test_near_names_are_guessed_and_good_labels_pass() -> None:
    [found] = label_check.findings(DRIVER, {"flanel_backend": "vxlan"})
    assert found.hint == "Did you mean flannel_backend?"
    good = {"flannel_backend": "host-gw", "kube_tag": "v1.34.4", "strict_labels": "True", "min_node_count": "1"}
    assert label_check.findings(DRIVER, good) == []
    assert label_check.findings(DRIVER, {spec.name: spec.default for spec in label_check.schema(DRIVER)}) == []


def test_every_type_of_the_contract_is_known() -> None:
    for kind in ("text", "int", "bool", "cidr", "version"):
        assert label_check._fits(LabelSpec("x", kind, "", ""), "\x7f") is (kind == "text")


async def test_unknown_labels_are_fine_unless_the_template_is_strict(member: Api) -> None:
    await member.template(labels={"colour": "red"})
    body = {"coe": "kubernetes", "image_id": "fake-image", "name": "k8s"}
    strict = {"strict_labels": True, "kube_tag": "v1.34.4"}
    answer = await member.post("/v1/clustertemplates", body | {"labels": strict | {"kube_tga": "v1"}})
    assert (answer.status_code, detail(answer)) == (
        400,
        "Label kube_tga is not known to the driver fake. Did you mean kube_tag?",
    )
    template = await member.template(labels=strict)
    answer = await member.patch(
        f"/v1/clustertemplates/{template}", [{"op": "add", "path": "/labels/colour", "value": "red"}]
    )
    assert answer.status_code == 400
    for more in ({"labels": {"colour": "red"}}, {"labels": {"colour": "red"}, "merge_labels": True}):
        answer = await member.post("/v1/clusters", {"name": "demo", "cluster_template_id": template} | more)
        assert answer.status_code == 400
        assert detail(answer).startswith("Label colour is not known to the driver fake.")
    assert (await member.get("/v1/clusters")).json() == {"clusters": []}
