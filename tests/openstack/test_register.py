"""`jeroboam openstack register` on a real Keystone, and then a tenant of that cloud with the unchanged client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.coe import Coe, Shell
from tests.clients.conftest import gone, settled
from tests.e2e.world import Service

from .registered import register, serve, unregister
from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def service(openstack_bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Not started yet; its registration is taken out of Keystone before and after."""
    unregister(openstack_bed)
    service = Service(tmp_path_factory.mktemp("register") / "data")
    yield service
    service.stop()
    unregister(openstack_bed)


def outcomes(said: Any) -> dict[str, str]:
    return {f"{step['kind']} {step['interface']}".strip(): step["outcome"] for step in said["steps"]}


def test_registering_twice_changes_nothing(openstack_bed: Bed, bed_clouds: Path, service: Service) -> None:
    endpoints = dict.fromkeys(("endpoint public", "endpoint internal", "endpoint admin"), "made")
    account = {"project": "kept", "user": "made", "grant": "made"}
    first = outcomes(register(service, bed_clouds, "--dry-run"))
    role = first.pop("role")  # Zed's Keystone brings no role `service`; a bed that was used before has it
    assert first == {**account, "service": "made", **endpoints}
    made = register(service, bed_clouds)
    assert outcomes(made) == {**account, "role": role, "service": "made", **endpoints}
    assert (made["checked"], made["written"]) == (True, True)
    again = register(service, bed_clouds)
    assert set(outcomes(again).values()) == {"kept"}
    assert openstack_bed.endpoints()["container-infra"] == f"{service.url}/v1"


def test_a_tenant_finds_the_service_in_the_catalogue_and_makes_a_cluster(
    bed_clouds: Path, bed_shell: Shell, service: Service
) -> None:
    register(service, bed_clouds)
    serve(service, "[provider]\ndefault = fake\n[fake]\nboot_s = 0\n")
    demo = Coe(bed_shell, "demo")
    assert "jeroboam" not in demo("cluster", "list")
    refused = demo.run("service", "list")
    assert (refused.code, "403" in refused.err) == (1, True)  # Magnum's rule: for administrators
    [conductor] = Coe(bed_shell, "admin").json("service", "list")
    assert (conductor["binary"], conductor["state"]) == ("magnum-conductor", "up")
    flags = ["--coe", "kubernetes", "--image", "fake-image", "--external-network", "public"]
    demo("cluster", "template", "create", "k8s", *flags, "--flavor", "small", "--master-flavor", "small")
    assert [one["name"] for one in demo.json("cluster", "template", "list")] == ["k8s"]
    demo("cluster", "create", "first", "--cluster-template", "k8s", "--node-count", "2")
    made = settled(demo, "first", "CREATE_COMPLETE")
    assert made["node_count"] == 2
    [seen] = Coe(bed_shell, "admin").json("cluster", "list")  # an administrator sees all projects', as with Magnum
    assert (seen["name"], seen["uuid"]) == ("first", made["uuid"])
    demo("cluster", "delete", "first")
    gone(demo, "first")
