"""Flavors, images, the external network, quotas of the bed; then waits for the hypervisor. Safe to run again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openstack

import bed_settings

FLAVORS = {"m1.tiny": (256, 1, 1), "m1.small": (1024, 1, 4), "m1.medium": (2048, 2, 8), "m1.large": (3072, 2, 8)}
_UNLIMITED = ("instances", "cores", "ram", "key_pairs", "server_groups", "server_group_members")
_NODE = "/opt/testbed/node.raw"
_settings = bed_settings.read()
_profile = _settings["PROFILE"]


def flavors(cloud: Any) -> None:
    for name, (ram, vcpus, disk) in FLAVORS.items():
        if not cloud.compute.find_flavor(name):
            cloud.compute.create_flavor(name=name, ram=ram, vcpus=vcpus, disk=disk)


def image(cloud: Any, name: str, kind: str = "raw", **more: Any) -> Any:
    container = kind if kind != "raw" else "bare"
    return cloud.image.find_image(name) or cloud.image.create_image(
        name=name, container_format=container, disk_format=kind, visibility="public", wait=True, **more
    )


def images(cloud: Any) -> None:
    image(cloud, "blank", data=b"\0" * 1048576)
    if _profile == "heat-fake":
        return
    properties = {"os_distro": "debian"}
    if _profile == "qemu":  # the kernel comes from outside of the disk, which is the same as for lxc
        for name, kind, pattern in (("kernel", "aki", "vmlinuz-*"), ("ramdisk", "ari", "initrd.img-*")):
            file = str(next(Path("/boot").glob(pattern)))
            properties[f"{name}_id"] = image(cloud, f"node-{name}", kind, filename=file).id
        properties["os_command_line"] = "root=/dev/vda rw console=ttyS0 systemd.mask=serial-getty@ttyS0.service"
    image(cloud, "debian-node", filename=_NODE, **properties)


def external_network(cloud: Any) -> None:
    if cloud.network.find_network("public"):
        return
    flat = {"provider_network_type": "flat", "provider_physical_network": "public"}
    network = cloud.network.create_network(name="public", is_router_external=True, **flat)
    prefix = _settings["EXT"]
    cloud.network.create_subnet(
        network_id=network.id,
        name="public",
        ip_version=4,
        cidr=f"{prefix}.0/24",
        gateway_ip=f"{prefix}.1",
        is_dhcp_enabled=False,
        allocation_pools=[{"start": f"{prefix}.10", "end": f"{prefix}.250"}],
    )


def quotas(cloud: Any) -> None:
    body = {"quota_set": dict.fromkeys(_UNLIMITED, -1)}
    for name in ("admin", "demo"):
        cloud.compute.put(f"/os-quota-sets/{cloud.identity.find_project(name).id}", json=body)


def until(true: Callable[[], bool], within_s: int, missing: str) -> None:
    ends = time.monotonic() + within_s
    while not true():
        if time.monotonic() > ends:
            raise SystemExit(f"not within {within_s} s: {missing}")
        time.sleep(1)


def hypervisor(cloud: Any) -> bool:
    if list(cloud.compute.hypervisors()):
        return True
    subprocess.run(["nova-manage", "cell_v2", "discover_hosts"], capture_output=True, timeout=60, check=False)
    return False


def agents(cloud: Any) -> bool:
    return len({agent.binary for agent in cloud.network.agents() if agent.is_alive}) >= 4


if __name__ == "__main__":
    bed = openstack.connect()
    for seed in (flavors, images, external_network, quotas):
        seed(bed)
    until(lambda: hypervisor(bed), 90, "Nova's hypervisor")
    if _profile != "heat-fake":
        until(lambda: agents(bed), 120, "Neutron's four agents")
    print("seeded")
