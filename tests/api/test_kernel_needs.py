"""A wish for what the nodes' kernel lacks is refused before anything is stored, with the way without it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pytest

from jeroboam.contracts import Image
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.drivers.swarm import SwarmDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.providers.fake.catalogue import FakeCatalogue

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

IMAGE = Image("swarm-image", "swarm-image", {"os_distro": "debian", "docker_version": "v20.10.24"})
MESH, ENCRYPTED = "swarm_routing_mesh", "swarm_encrypted_overlay"


class Host(FakeProvider):
    """Knows its kernel. Implements contracts.KernelProbe."""

    def __init__(self, *there: str, image: Image = IMAGE) -> None:
        super().__init__(Cloud(), boot_s=0, catalogue=FakeCatalogue(image_list=(image,)))
        self.there, self.image = there, image
        self.asked: list[set[str]] = []

    async def lacking(self, features: Collection[str], image_id: str) -> frozenset[str]:
        assert image_id == self.image.id
        self.asked.append(set(features))
        return frozenset(features) - set(self.there)


def member_of(make: Maker, provider: FakeProvider) -> Api:
    return make(drivers={"swarm": SwarmDriver()}, provider=provider).as_("user-1").at("latest")


async def asked(member: Api, **labels: str) -> tuple[int, str]:
    template = await member.template(coe="swarm", image_id="swarm-image")
    body = {"name": "demo", "cluster_template_id": template, "labels": labels, "merge_labels": True}
    answer = await member.post("/v1/clusters", body)
    listed = (await member.get("/v1/clusters")).json()["clusters"]
    assert len(listed) == (1 if answer.status_code == 202 else 0)
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (MESH, "Swarm's routing mesh wants ip_vs of the nodes' kernel, which has none. Leave the label out"),
        (ENCRYPTED, "An encrypted overlay network wants esp4 of the nodes' kernel, which has none."),
    ],
)
async def test_what_the_kernel_lacks_is_refused_with_the_way_without_it(make: Maker, label: str, said: str) -> None:
    status, text = await asked(member_of(make, Host()), **{label: "true"})
    assert status == 400
    assert said in text


async def test_both_are_told_at_once(make: Maker) -> None:
    status, text = await asked(member_of(make, Host()), **{MESH: "true", ENCRYPTED: "True"})
    assert status == 400
    assert "ip_vs" in text
    assert "esp4" in text


async def test_what_the_kernel_has_is_served(make: Maker) -> None:
    host = Host("ip_vs", "esp4")
    assert (await asked(member_of(make, host), **{MESH: "true", ENCRYPTED: "true"}))[0] == 202
    assert host.asked == [{"ip_vs", "esp4"}]


async def test_a_wish_without_such_needs_asks_nobody(make: Maker) -> None:
    host = Host()
    assert (await asked(member_of(make, host), **{MESH: "false"}))[0] == 202
    assert host.asked == []


async def test_a_provider_that_cannot_tell_is_not_asked(make: Maker) -> None:
    provider = FakeProvider(Cloud(), boot_s=0, catalogue=FakeCatalogue(image_list=(IMAGE,)))
    assert (await asked(member_of(make, provider), **{MESH: "true"}))[0] == 202


async def test_a_label_that_is_neither_true_nor_false_is_named(make: Maker) -> None:
    status, text = await asked(member_of(make, Host()), **{MESH: "perhaps"})
    assert status == 400
    assert "Label swarm_routing_mesh = perhaps is not usable. Give true or false." in text


async def test_a_template_is_refused_too(make: Maker) -> None:
    member = member_of(make, Host())
    body = {"name": "t", "coe": "swarm", "image_id": "swarm-image", "external_network_id": "public"}
    answer = await member.post("/v1/clustertemplates", body | {"labels": {MESH: "true"}})
    assert answer.status_code == 400
    assert "Swarm's routing mesh wants ip_vs of the nodes' kernel, which has none." in answer.text
    assert (await member.get("/v1/clustertemplates")).json()["clustertemplates"] == []
    assert (await member.post("/v1/clustertemplates", body)).status_code == 201


KUBERNETES = Image("node", "node", {"os_distro": "debian", "kube_version": "v1.34.4"})


@pytest.mark.parametrize(
    ("there", "label", "status", "said"),
    [
        ((), {"flannel_backend": "wireguard"}, 400, "wants wireguard of the nodes' kernel, which has none. Use vxlan or host-gw."),
        (("wireguard",), {"flannel_backend": "wireguard"}, 201, ""),
        ((), {"flannel_backend": "ipip"}, 400, "Label flannel_backend = ipip is not usable. Give one of vxlan, host-gw, wireguard."),
        ((), {"container_runtime": "cri-o"}, 400, "Label container_runtime = cri-o is not served: nodes hold what Debian 12 packages"),
        ((), {"container_runtime": "containerd"}, 201, ""),
    ],
)  # fmt: skip
async def test_choices_of_a_template_that_nothing_here_can_serve(
    make: Maker, there: tuple[str, ...], label: dict[str, str], status: int, said: str
) -> None:
    host = Host(*there, image=KUBERNETES)
    member = make(drivers={"kubernetes": KubernetesDriver()}, provider=host).as_("user-1").at("latest")
    body = {"name": "t", "coe": "kubernetes", "image_id": "node", "external_network_id": "public"}
    answer = await member.post("/v1/clustertemplates", body)
    assert answer.status_code == 201
    uuid = answer.json()["uuid"]
    answer = await member.post("/v1/clustertemplates", body | {"labels": label})
    assert (answer.status_code, said in answer.text) == (status, True)
    changed = [{"op": "replace", "path": "/labels", "value": label}]
    answer = await member.patch(f"/v1/clustertemplates/{uuid}", changed)
    assert (answer.status_code, said in answer.text) == (200 if status == 201 else status, True)
