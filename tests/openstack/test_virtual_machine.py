"""Clusters whose node is a virtual machine of the cloud: it boots our disk image, opens what was sealed for it, and reports in. QEMU
emulates each instruction, so they take many minutes (`make test-openstack PROFILE=qemu`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.coe import Coe, Shell
from tests.e2e.world import Service, run

from .clusters import create, delete, holdings, image, servers, service_of, template
from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(7200)]
_BOOT_S = 4800
_DEADLINES = f"[deadlines]\nboot_s = {_BOOT_S}\nready_s = {_BOOT_S}\n"
_KERNEL = "cloud-amd64"  # of Debian's for virtual machines: the image has it, not this machine


@pytest.fixture(scope="module")
def virtual_bed(openstack_bed: Bed) -> Bed:
    if openstack_bed.profile() != "qemu":
        pytest.skip("servers of this bed are no virtual machines: end it, then `make test-openstack PROFILE=qemu`")
    return openstack_bed


@pytest.fixture(scope="module")
def service(virtual_bed: Bed, bed_clouds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_of(virtual_bed, bed_clouds, tmp_path_factory.mktemp("machines"), _DEADLINES) as service:
        yield service


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_a_virtual_machine_of_our_disk_is_a_manager(
    form: str, virtual_bed: Bed, bed_clouds: Path, bed_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo, before = Coe(bed_shell, "demo"), holdings(virtual_bed)
    disk = image("swarm", "vm", virtual_bed, bed_clouds, tmp_path, form)
    template(virtual_bed, demo, form, "swarm", "vm", disk)
    try:
        uuid = create(demo, form, 0, _BOOT_S)
        demo("cluster", "config", form, "--dir", str(tmp_path), "--output-certs")
        monkeypatch.setenv("DOCKER_HOST", str(demo.json("cluster", "show", form)["api_address"]))
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        info = json.loads(run("docker", "info", "--format", "{{json .}}"))
        assert [info["Name"]] == list(servers(virtual_bed, uuid))
        assert info["Swarm"]["LocalNodeState"] == "active"
        assert info["KernelVersion"].endswith(_KERNEL)
    finally:
        delete(demo, form)
    assert holdings(virtual_bed) == before
