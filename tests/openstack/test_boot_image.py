"""The disk image for virtual machines boots by BIOS and by UEFI, in an emulated machine without a network to the outside, takes its user
data from a config drive, grows to its disk and runs the node's first boot."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jeroboam.artifacts import CloudImage, CloudWish, build_cloud_image, default_cache

pytestmark = [pytest.mark.openstack, pytest.mark.docker, pytest.mark.timeout(3600)]

_ROOT = Path(__file__).parents[2]
_BOOT_S = 1500  # QEMU emulates every instruction: minutes, and many of them where others want the processors, too
_UEFI = ("-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd")
_RUN = r"""#!/bin/bash
until ctr version >/dev/null 2>&1; do sleep 0.2; done
size=$(df --output=size -BM / | tail -n 1 | tr -dc 0-9)
echo "REPORT" \
  "host=$(hostname)" \
  "firmware=$([ -d /sys/firmware/efi ] && echo uefi || echo bios)" \
  "cgroups=$(cat /run/jeroboam/cgroup-driver)" \
  "grown=$([ "$size" -gt 3500 ] && echo yes || echo "$size")" \
  "apiserver=$(ctr -n k8s.io images ls -q | grep -c kube-apiserver:)" \
  "bridged=$(sysctl -n net.bridge.bridge-nf-call-iptables)" \
  "address=$(ip -4 -o address show scope global | awk '{print $4}')" \
  "failed=$(systemctl --failed --no-legend | wc -l)" \
  "END"
"""


@pytest.fixture(scope="module")
def image() -> tuple[Path, CloudImage]:
    """Kept between runs while nothing changes."""
    folder = default_cache() / "cloud-images"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([_ROOT / "scripts" / "ensure-docker"], check=True, timeout=1800)
    wish = CloudWish("kubernetes", "raw", "vm", output=folder / "jeroboam-kubernetes-v1.34.4-vm.raw", version="1.34.4")
    return asyncio.run(build_cloud_image(wish))


@pytest.fixture(scope="module")
def disk(image: tuple[Path, CloudImage], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """On a disk that is larger than the image, as a flavor's is."""
    subprocess.run([_ROOT / "scripts" / "ensure-qemu"], check=True, timeout=1800)
    path = tmp_path_factory.mktemp("boot") / "disk.raw"
    subprocess.run(["cp", "--sparse=always", image[0], path], check=True, timeout=300)
    os.truncate(path, 4 << 30)
    yield path
    path.unlink()


def seed(folder: Path) -> Path:
    """A config drive: a file system of that label. Source: cloud-init docs, data source ConfigDrive."""
    latest = folder / "tree" / "openstack" / "latest"
    latest.mkdir(parents=True)
    told = {"uuid": "7d2f4a52-0000-4000-8000-000000000001", "name": "node-1", "hostname": "node-1"}
    (latest / "meta_data.json").write_text(json.dumps(told))
    cloud_config = {
        "hostname": "node-1",
        "write_files": [{"path": "/etc/jeroboam/node/run", "permissions": "0700", "content": _RUN}],
        "runcmd": [["systemctl", "start", "--no-block", "jeroboam-bootstrap.service"]],
    }
    (latest / "user_data").write_text("#cloud-config\n" + json.dumps(cloud_config))
    path = folder / "seed.img"
    with path.open("wb") as file:
        file.truncate(2 << 20)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext2", "-L", "config-2", "-d", folder / "tree", path], check=True, timeout=60
    )
    return path


def reported(disk: Path, drive: Path, firmware: tuple[str, ...]) -> dict[str, str]:
    """What the machine says on its console when its first boot is through."""
    argv = ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max", "-m", "2048", "-no-reboot"]
    # Its clock counts its instructions: however long these take on a busy machine, nothing inside is too late.
    argv += ["-icount", "shift=0,sleep=on", "-rtc", "clock=vm"]
    argv += [
        "-display",
        "none",
        "-monitor",
        "none",
        "-serial",
        "stdio",
        "-nic",
        "user,model=virtio-net-pci,restrict=on",
    ]
    argv += ["-drive", f"file={disk},format=raw,if=virtio,snapshot=on,cache=unsafe"]
    argv += ["-drive", f"file={drive},format=raw,if=virtio,readonly=on", *firmware]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as machine:
        try:
            return _report(machine)
        finally:
            machine.kill()


def _report(machine: subprocess.Popen[bytes]) -> dict[str, str]:
    assert machine.stdout is not None
    os.set_blocking(machine.stdout.fileno(), False)
    said, ends = "", time.monotonic() + _BOOT_S
    while True:
        said += (machine.stdout.read() or b"").decode(errors="replace")
        line = next((one for one in said.splitlines() if "REPORT host=" in one and one.rstrip().endswith("END")), None)
        if line is not None:
            return dict(word.split("=", 1) for word in line[line.index("REPORT") :].split() if "=" in word)
        assert machine.poll() is None, said[-3000:]
        assert time.monotonic() < ends, said[-3000:]
        time.sleep(0.5)


@pytest.mark.parametrize(("name", "firmware"), [("bios", ()), ("uefi", _UEFI)])
def test_the_disk_boots_a_node(name: str, firmware: tuple[str, ...], disk: Path, tmp_path: Path) -> None:
    assert reported(disk, seed(tmp_path), firmware) == {
        "host": "node-1",
        "firmware": name,
        "cgroups": "systemd",
        "grown": "yes",
        "apiserver": "1",
        "bridged": "1",
        "address": "10.0.2.15/24",
        "failed": "0",
    }
