"""Baking a Kubernetes node image: programs and container images go into a container of the base, which is then committed.

Each container image is unpacked by containerd itself; what a node links at its start is exactly what containerd made.
"""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..contracts import Progress
from . import images
from .cache import Cache
from .catalogue import Release
from .oven import DOCKER, MASKED, Form, Keep, Oven, bake_alone, file, mode_of, node_files, open_oven
from .task import under_way

DISTRO_RUNTIMES = ("runc", "crun")
PACKAGES = ("crun",)  # beside those of every base
RUNTIMES_LABEL = "oci_runtimes"
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
    text = repr((MASKED, _IPTABLES, _BAKE, _ENABLE))
    for name, path in node_files("rootfs").items():
        text += f"{name}{path.stat().st_mode & 0o111}{path.read_text()}"
    return text


@dataclass(frozen=True)
class Plan:
    """What to bake: `base` is the tag of the image below, `recipe` the hash that the result is known by."""

    version: str
    release: Release
    recipe: str
    base: str
    binaries: Mapping[str, Path]
    arch: str
    extra: tuple[str, ...] = ()  # OCI runtimes beside those of the distribution
    extra_binaries: tuple[str, ...] = ()
    form: Form = DOCKER

    @property
    def runtimes(self) -> tuple[str, ...]:
        return (*DISTRO_RUNTIMES, *self.extra)


async def bake(cache: Cache, plan: Plan, progress: Progress, keep: Keep) -> None:
    """Make the image and keep it. One bake of a recipe at a time."""
    task = f"node image {plan.version}"
    async with bake_alone(cache, plan.recipe, progress, task) as work:
        with under_way(progress, task, total=4, unit="steps"):
            async with open_oven(work, plan.base, await asyncio.to_thread(_tree, plan)) as oven:
                progress.advance(task, note="programs in place")
                await _container_images(oven, plan, work)
                progress.advance(task, note="container images made")
                await oven.run(_BAKE)
                await oven.run("; ".join((plan.form.finish, "systemctl disable kubelet", _ENABLE)))
                progress.advance(task, note="container images unpacked")
                await keep(oven, _labels(plan))
                progress.advance(task)


async def _container_images(oven: Oven, plan: Plan, work: Path) -> None:
    await oven.run(_IPTABLES)
    await oven.copy_out("/bake/iptables.tar", work / "iptables.tar")
    await asyncio.to_thread(_archive, work, plan)
    await oven.copy_in(work / "images.tar", "/bake/images.tar")


def _tree(plan: Plan) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, path in (node_files("rootfs") | plan.form.files()).items():
            file(tar, name, path.read_bytes().replace(b"@PAUSE@", plan.release.pause.encode()), mode_of(path))
        file(tar, "etc/jeroboam/image.json", json.dumps(_manifest(plan), indent=1).encode(), 0o644)
        for name in (*plan.release.node_binaries, *plan.extra_binaries):
            file(tar, f"usr/bin/{name}", plan.binaries[name].read_bytes(), 0o755)
    return buffer.getvalue()


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
        "runtimes": plan.runtimes,
    }


def _labels(plan: Plan) -> dict[str, str]:
    return {
        "jeroboam.coe": "kubernetes",
        "os_distro": "debian",
        "kube_version": plan.version,
        RUNTIMES_LABEL: ",".join(plan.runtimes),
        "jeroboam.recipe": plan.recipe,
        "jeroboam.manifest": json.dumps(_manifest(plan), separators=(",", ":")),
    }
