"""A template that asks for a version which its image does not hold is refused; images as Glance tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.providers.openstack.cloud import Cloud as Glance

from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.drivers.lxd import LxdDriver
from jeroboam.drivers.swarm import SwarmDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.providers.fake.catalogue import FakeCatalogue
from jeroboam.providers.openstack.catalogue import OpenStackCatalogue
from jeroboam.providers.openstack.rest import GLANCE, Answer

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

DRIVERS = {"kubernetes": KubernetesDriver(), "swarm": SwarmDriver(), "lxd": LxdDriver()}
CASES = [
    ("kubernetes", "kube_version", "kube_tag", "v1.34.4", "v1.35.4", "Kubernetes"),
    ("swarm", "docker_version", "docker_tag", "v20.10.24", "v26.1.5", "Docker Engine"),
    ("lxd", "lxd_version", "lxd_tag", "v5.0.2", "v5.0.3", "LXD"),
]


async def member_of(make: Maker, coe: str, **properties: str) -> Api:
    """One of a cloud whose Glance has one image, with these properties."""
    raw: dict[str, Any] = {
        "id": "node",
        "name": "node",
        "status": "active",
        "min_disk": 4,
        "os_distro": "debian",
        "tags": [],
    }
    glance = Glance()
    glance.answers.append((GLANCE, "GET", "/images", Answer(200, {"images": [{**raw, **properties}]})))
    image_list = tuple(await OpenStackCatalogue(glance).images("project-1"))
    provider = FakeProvider(Cloud(), boot_s=0, catalogue=FakeCatalogue(image_list=image_list))
    return make(drivers={coe: DRIVERS[coe]}, provider=provider).as_("user-1").at("latest")


async def asked(member: Api, coe: str, label: str, version: str) -> tuple[int, str]:
    body = {"name": "one", "coe": coe, "image_id": "node", "external_network_id": "public", "labels": {label: version}}
    answer = await member.post("/v1/clustertemplates", body)
    return answer.status_code, "" if answer.status_code == 201 else answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(("coe", "prop", "label", "held", "other", "tool"), CASES)
async def test_a_template_may_ask_for_what_its_image_holds_and_for_nothing_else(
    make: Maker, coe: str, prop: str, label: str, held: str, other: str, tool: str
) -> None:
    member = await member_of(make, coe, magnum_driver=coe, **{prop: held})
    status, said = await asked(member, coe, label, other)
    assert status == 400
    assert said.startswith(f"Label {label} = {other}, but image node holds {tool} {held}.")
    assert (await member.get("/v1/clustertemplates")).json()["clustertemplates"] == []
    assert await asked(member, coe, label, held) == (201, "")


@pytest.mark.parametrize(("coe", "prop", "label", "held", "other", "tool"), CASES)
async def test_an_image_that_says_nothing_of_versions_is_left_to_the_cluster(
    make: Maker, coe: str, prop: str, label: str, held: str, other: str, tool: str
) -> None:
    member = await member_of(make, coe)
    assert await asked(member, coe, label, other) == (201, "")
