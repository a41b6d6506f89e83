"""Pods at their own addresses are refused where the service could not ask the cluster which node has which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from jeroboam.contracts import Image, Network
from jeroboam.domain import Cluster
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.providers.fake.catalogue import FakeCatalogue

if TYPE_CHECKING:
    from tests.api.conftest import Maker

IMAGE = Image("node", "node", {"os_distro": "debian", "kube_version": "v1.34.4"})


class Plain(FakeProvider):
    """A network that carries everything."""

    def __init__(self) -> None:
        super().__init__(Cloud(), boot_s=0, catalogue=FakeCatalogue(image_list=(IMAGE,)))


class Strict(Plain):
    """A network that carries what it is told. Implements contracts.PodRouter."""

    async def route_pods(self, cluster: Cluster, network: Network, pods: str, ranges: Mapping[str, str]) -> str:
        raise AssertionError("nothing is made")


@pytest.mark.parametrize(
    ("provider", "backend", "floating", "status"),
    [
        (Strict, "host-gw", True, 202),
        (Strict, "host-gw", False, 400),
        (Strict, "vxlan", False, 202),
        (Plain, "host-gw", False, 202),
    ],
)
async def test_host_gw_needs_a_cluster_that_can_be_asked(
    make: Maker, provider: type[Plain], backend: str, floating: bool, status: int
) -> None:
    member = make(drivers={"kubernetes": KubernetesDriver()}, provider=provider()).as_("user-1").at("latest")
    template = await member.template(
        coe="kubernetes", image_id="node", labels={"flannel_backend": backend}, external_network_id="public"
    )
    body = {"name": "demo", "cluster_template_id": template, "floating_ip_enabled": floating}
    answer = await member.post("/v1/clusters", body)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert "Label flannel_backend = host-gw needs a cluster API that this service reaches" in answer.text
        assert (await member.get("/v1/clusters")).json()["clusters"] == []
