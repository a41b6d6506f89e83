"""Faults of a request: refused before anything is made, with what to change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from jeroboam.contracts import Flavor
from jeroboam.domain import OperationState
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.providers.docker import DockerProvider, DockerSettings
from jeroboam.providers.fake import Cloud, FakeCatalogue, FakeProvider, Weather

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker
    from tests.faults.conftest import Sight

TINY = FakeCatalogue(flavor_list=(Flavor("tiny", "tiny", 1, 512, 10), Flavor("large", "large", 4, 8192, 10)))


@pytest.fixture
def member(make: Maker) -> Api:
    """Of project-1, whose clusters are real Kubernetes on fake machines."""
    provider = FakeProvider(Cloud(), boot_s=0, catalogue=TINY, weather=Weather(machine_quota=2))
    return make(drivers={"kubernetes": KubernetesDriver()}, provider=provider).as_("user-1").at("latest")


@pytest.mark.fault("image-unknown")
async def test_an_image_that_does_not_exist(member: Api, sight: Sight) -> None:
    body = {"name": "k8s", "coe": "kubernetes", "image_id": "no-such-image"}
    sight.begins()
    sight.answer(await member.post("/v1/clustertemplates", body))


@pytest.mark.fault("flavor-too-small")
async def test_a_flavor_too_small_for_a_control_plane(member: Api, sight: Sight) -> None:
    template = await member.template(flavor_id="large", master_flavor_id="tiny")
    sight.begins()
    sight.answer(await member.post("/v1/clusters", {"name": "a", "cluster_template_id": template, "node_count": 1}))


@pytest.mark.fault("flavor-unknown")
async def test_a_flavor_that_does_not_exist(member: Api, sight: Sight) -> None:
    body = {"name": "a", "cluster_template_id": await member.template(), "node_count": 1, "flavor_id": "enormous"}
    sight.begins()
    sight.answer(await member.post("/v1/clusters", body))


@pytest.mark.fault("address-overlap-labels")
async def test_addresses_of_pods_and_services_overlap(member: Api, sight: Sight) -> None:
    body = {"name": "a", "cluster_template_id": await member.template(), "node_count": 1}
    sight.begins()
    sight.answer(await member.post("/v1/clusters", {**body, "labels": {"service_cluster_ip_range": "10.100.0.0/16"}}))


@pytest.mark.fault("version-unknown")
async def test_a_version_that_the_image_does_not_hold(member: Api, sight: Sight) -> None:
    body = {"name": "a", "cluster_template_id": await member.template(), "node_count": 1}
    sight.begins()
    sight.answer(await member.post("/v1/clusters", {**body, "labels": {"kube_tag": "v1.2.3"}}))


@pytest.mark.fault("two-of-one-name")
async def test_two_clusters_of_one_name(member: Api, sight: Sight) -> None:
    template = await member.template()
    for _ in range(2):
        await member.cluster(name="twin", cluster_template_id=template, node_count=1)
    sight.begins()
    sight.answer(await member.get("/v1/clusters/twin"))


@pytest.mark.fault("project-quota")
async def test_the_quota_of_the_project_is_used_up(member: Api, sight: Sight) -> None:
    quota = {"project_id": "project-1", "resource": "Cluster", "hard_limit": 1}
    assert (await member.as_("root", "admin", "admin").post("/v1/quotas", quota)).status_code == 201
    template = await member.template()
    await member.cluster(cluster_template_id=template, node_count=1)
    sight.begins()
    sight.answer(await member.post("/v1/clusters", {"name": "b", "cluster_template_id": template, "node_count": 1}))


@pytest.mark.fault("provider-quota")
async def test_the_quota_of_the_provider_is_too_small(member: Api, sight: Sight) -> None:
    template = await member.template()
    sight.begins()
    sight.answer(await member.post("/v1/clusters", {"name": "a", "cluster_template_id": template, "node_count": 3}))


@pytest.mark.fault("proxy-malformed")
async def test_a_proxy_of_two_lines(member: Api, sight: Sight) -> None:
    template = await member.template(http_proxy="http://proxy:3128\nExecStart=/bin/evil")
    sight.begins()
    sight.answer(await member.post("/v1/clusters", {"name": "a", "cluster_template_id": template, "node_count": 1}))


@pytest.mark.fault("network-too-small")
async def test_more_nodes_than_addresses(make: Maker, sight: Sight) -> None:
    provider = DockerProvider(DockerSettings(host="unix:///nowhere"))
    provider.catalogue = FakeCatalogue()  # type: ignore[assignment] # nobody asks the daemon
    member = make(provider=provider).as_("user-1")
    template = await member.template()
    sight.begins()
    sight.answer(await member.post("/v1/clusters", {"name": "a", "cluster_template_id": template, "node_count": 241}))


@pytest.mark.fault("delete-while-creating")
async def test_a_deletion_during_the_create(make: Maker, sight: Sight) -> None:
    member = make(provider=FakeProvider(Cloud(), boot_s=3600)).as_("user-1")
    uuid = await member.cluster(node_count=1)
    store = member.stage.store
    [create] = await store.list_operations(uuid)
    running = asyncio.create_task(member.stage.run(create))
    while not any(step.name == "boot" for step in await store.list_steps(create.uuid)):
        await asyncio.sleep(0.01)
    sight.begins()
    assert (await member.delete(f"/v1/clusters/{uuid}")).status_code == 204
    assert (await running).state is OperationState.CANCELLED
    [boot, *_] = [step for step in await store.list_steps(create.uuid) if step.name == "boot"]
    sight.step(boot)
    assert await member.finished(uuid) == "succeeded"
    assert (await member.get(f"/v1/clusters/{uuid}")).status_code == 404
