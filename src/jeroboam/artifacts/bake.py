"""Baking a node image: programs and container images go into a container of the base, which is then committed.

Each container image is unpacked by containerd itself; what a node links at its start is exactly what containerd made.
"""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..contracts import Progress
from ..domain.errors import ArtifactUnavailable
from . import images
from .cache import Cache
from .catalogue import Release
from .docker import docker

LABEL = "jeroboam.node-image"
_CONTAINER = "jeroboam-bake-"
# What no container needs at its boot; systemd is `running` sooner without.
_MASKED = (
    "systemd-udevd.service",
    "systemd-udevd-kernel.socket",
    "systemd-udevd-control.socket",
    "systemd-udev-trigger.service",
    "getty.target",
    "console-getty.service",
    "systemd-logind.service",
    "systemd-timesyncd.service",
    "systemd-modules-load.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-kernel-config.mount",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "e2scrub_reap.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "proc-sys-fs-binfmt_misc.automount",
)
_IPTABLES = """
set -e
mkdir -p /bake/ipt/usr/sbin /bake/ipt/etc
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore xtables-nft-multi; do
  cp -a $(command -v $name) /bake/ipt/usr/sbin/
done
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -sf xtables-nft-multi /bake/ipt/usr/sbin/$name
done
cp -L $(command -v conntrack) $(command -v ip) /bake/ipt/usr/sbin/
libs=$(ldd $(command -v xtables-nft-multi conntrack ip) /usr/lib/*/xtables/*.so | grep -o '/[^ ]*' | grep -v ':$' | sort -u)
cp -a --parents /usr/lib/*/xtables /bake/ipt/
cp -L --parents $libs /bake/ipt/
[ -e /etc/ethertypes ] && cp -L --parents /etc/ethertypes /etc/protocols /bake/ipt/ || true
tar -C /bake/ipt --sort=name --mtime=@0 --owner=0 --group=0 -cf /bake/iptables.tar .
"""
_BAKE = """
set -e
mkdir -p /bake/root /run/containerd
sed 's#^version = 2#version = 2\\nroot = "/bake/root"#' /etc/containerd/config.toml >/tmp/bake.toml
containerd --config /tmp/bake.toml >/bake/log 2>&1 &
pid=$!
for n in $(seq 100); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done
ctr -n k8s.io images import --snapshotter overlayfs /bake/images.tar
kill $pid; wait $pid || true
mkdir -p /opt/jeroboam/containerd/state
cd /bake/root
mv io.containerd.snapshotter.v1.overlayfs/snapshots /opt/jeroboam/containerd/snapshots
# The layers are unpacked; of the content only manifests and configurations are read from now on.
find io.containerd.content.v1.content/blobs -type f -size +256k -delete
cp -a . /opt/jeroboam/containerd/state/
rm -rf /tmp/bake.toml
"""


_ENABLE = (
    "systemctl enable containerd jeroboam-bootstrap.service node-dns@udp.service node-dns@tcp.service; "
    "rm -rf /var/lib/apt/lists/* /var/cache/apt /etc/machine-id; : >/etc/machine-id; "
    "mkdir -p /etc/kubernetes/manifests /etc/cni/net.d /var/lib/kubelet /var/lib/etcd /var/lib/jeroboam"
)


def fingerprint() -> str:
    """All that goes into an image beside its base and its binaries."""
    text = repr((_MASKED, _IPTABLES, _BAKE, _ENABLE))
    for file in sorted(p for p in _rootfs().rglob("*") if p.is_file()):
        text += f"{file.relative_to(_rootfs())}{file.stat().st_mode & 0o111}{file.read_text()}"
    return text


@dataclass(frozen=True)
class Plan:
    """What to bake: `base` is the tag of the image below, `recipe` the hash that the result is known by."""

    tag: str
    version: str
    release: Release
    recipe: str
    base: str
    binaries: Mapping[str, Path]
    arch: str


async def bake(cache: Cache, plan: Plan, progress: Progress) -> None:
    """Make the image and give it its tag. What a killed bake left behind is removed first."""
    task = f"node image {plan.version}"
    name = _CONTAINER + plan.recipe[:12]
    await _forget_abandoned()
    await _forget(name)
    progress.start(task, total=4, unit="steps")
    work = cache.work(f"node-image-{plan.version}")
    try:
        await _start(name, plan)
        progress.advance(task, note="programs in place")
        await _container_images(name, plan, work)
        progress.advance(task, note="container images made")
        await _in(name, _BAKE)
        await _in(name, f"systemctl mask {' '.join(_MASKED)}; systemctl disable kubelet; " + _ENABLE)
        progress.advance(task, note="container images unpacked")
        await _commit(name, plan)
        progress.advance(task)
    except BaseException:
        progress.finish(task, note="stopped")
        raise
    else:
        progress.finish(task)
    finally:
        await _forget(name)
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


async def _start(name: str, plan: Plan) -> None:
    options = ["--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN"]
    options += ["--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "-v", f"{name}:/bake"]
    await docker("create", "--name", name, *options, plan.base, "sleep", "3600")
    tree = await asyncio.to_thread(_tree, plan)
    await docker("cp", "-", f"{name}:/", timeout_s=300, stdin=tree)
    await docker("start", name)


async def _container_images(name: str, plan: Plan, work: Path) -> None:
    await _in(name, _IPTABLES)
    await docker("cp", f"{name}:/bake/iptables.tar", str(work / "iptables.tar"))
    await asyncio.to_thread(_archive, work, plan)
    await docker("cp", str(work / "images.tar"), f"{name}:/bake/images.tar", timeout_s=600)


def _tree(plan: Plan) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in sorted(p for p in _rootfs().rglob("*") if p.is_file()):
            content = file.read_bytes().replace(b"@PAUSE@", plan.release.pause.encode())
            _file(tar, str(file.relative_to(_rootfs())), content, 0o755 if file.stat().st_mode & 0o100 else 0o644)
        _file(tar, "etc/jeroboam/image.json", json.dumps(_manifest(plan), indent=1).encode(), 0o644)
        for name in plan.release.node_binaries:
            _file(tar, f"usr/bin/{name}", plan.binaries[name].read_bytes(), 0o755)
    return buffer.getvalue()


def _file(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(path)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))


def _archive(work: Path, plan: Plan) -> None:
    layers = {}
    for number, image in enumerate(plan.release.images):
        layer = work / f"layer{number}.tar"
        images.write_layer(layer, image, plan.binaries, work / "iptables.tar")
        layers[image.name] = (image, layer)
    images.write_archive(work / "images.tar", layers, plan.arch)


def _manifest(plan: Plan) -> dict[str, object]:
    return {
        "coe": "kubernetes",
        "kubernetes": plan.version,
        "parts": plan.release.parts,
        "images": [i.name for i in plan.release.images],
    }


async def _commit(name: str, plan: Plan) -> None:
    labels = {
        LABEL: "1",
        "jeroboam.coe": "kubernetes",
        "os_distro": "debian",
        "kube_version": plan.version,
        "jeroboam.recipe": plan.recipe,
        "jeroboam.manifest": json.dumps(_manifest(plan), separators=(",", ":")),
    }
    changes = [f"LABEL {key}={json.dumps(value)}" for key, value in labels.items()]
    changes += ['CMD ["/usr/local/sbin/jeroboam-init"]', "ENV container=docker"]
    options = [word for change in changes for word in ("--change", change)]
    await docker("commit", *options, name, plan.tag, timeout_s=600)


async def _in(name: str, script: str) -> None:
    await docker("exec", "-i", name, "sh", "-s", timeout_s=600, stdin=script.encode())


async def _forget_abandoned() -> None:
    """Containers of bakes that were killed end by themselves (they sleep for an hour) and are removed here."""
    filters = ["--filter", f"name=^{_CONTAINER}", "--filter", "status=exited"]
    for name in (await docker("ps", "-a", "--format", "{{.Names}}", *filters, timeout_s=60)).split():
        await _forget(name)


async def _forget(name: str) -> None:
    for argv in (["rm", "-f", "-v", name], ["volume", "rm", "-f", name]):
        with suppress(ArtifactUnavailable):  # not there is what is wanted
            await docker(*argv)


def _rootfs() -> Path:
    return Path(str(resources.files(__package__))) / "node" / "rootfs"
