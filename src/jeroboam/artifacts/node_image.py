"""The node image: Debian with containerd, the kubelet and every container image baked in unpacked, as a Docker image.

Starting a node copies no container image: the snapshots stay in the Docker image and are linked (see node/rootfs, jeroboam-init).
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..contracts import NoProgress, Progress
from ..domain.errors import ArtifactUnavailable, NotFound
from . import gomodules, images
from .base import base_tag, ensure_base
from .cache import Cache, default_cache
from .catalogue import Release, catalogue
from .process import run

REPOSITORY = "jeroboam/node-kubernetes"
_LABEL = "jeroboam.node-image"
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
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
libs=$(for f in xtables-nft-multi conntrack ip; do ldd $(command -v $f); done | grep -o '/[^ ]*' | sort -u)
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


@dataclass(frozen=True)
class NodeImage:
    """A node image that Docker holds. `size` in bytes."""

    tag: str
    id: str
    version: str
    recipe: str
    size: int


def architecture() -> str:
    """This machine's, in Go's words."""
    return _ARCHES.get(platform.machine(), platform.machine())


async def build_node_image(
    version: str | None = None, *, progress: Progress | None = None, force: bool = False, cache_root: Path | None = None
) -> NodeImage:
    """Build (or find, when nothing changed) the node image of a Kubernetes version. Resumable; one build at a time."""
    shown = progress or NoProgress()
    full, release = catalogue().find(version)
    cache = Cache(cache_root or default_cache())
    recipe = _recipe(full, release)
    async with cache.lock("node-image", shown):
        present = await _find(full)
        if present is not None and present.recipe == recipe and not force:
            return present
        binaries = await _binaries(cache, release, shown)
        base = await ensure_base(cache, shown)
        await _bake(cache, full, release, recipe, binaries, base, shown)
    made = await _find(full)
    if made is None:
        raise NotFound("Node image", full)
    return made


async def list_node_images() -> list[NodeImage]:
    """All node images that Docker holds."""
    ids = (await run(["docker", "images", "-q", "--filter", f"label={_LABEL}"], timeout_s=60)).split()
    if not ids:
        return []
    found = json.loads(await run(["docker", "image", "inspect", *sorted(set(ids))], timeout_s=60))
    return [
        NodeImage(tag, one["Id"], labels.get("kube_version", ""), labels.get("jeroboam.recipe", ""), one["Size"])
        for one in found
        for tag in one["RepoTags"] or []
        for labels in [one["Config"]["Labels"]]
    ]


async def remove_node_image(tag: str) -> None:
    """Raises NotFound; fails with Docker's words while a node uses it."""
    if tag not in {image.tag for image in await list_node_images()}:
        raise NotFound("Node image", tag)
    await run(["docker", "rmi", tag], timeout_s=120)


def binary_path(version: str | None, name: str, *, cache_root: Path | None = None) -> Path:
    """A binary of a release in the cache, such as kubectl. Raises NotFound when it was not built yet."""
    _, release = catalogue().find(version)
    cache = Cache(cache_root or default_cache())
    for part, part_version in release.parts.items():
        path = cache.folder(part, part_version, architecture()) / name
        if path.exists():
            return path
    raise NotFound("Binary", name, hint="Run `jeroboam image build` first.")


async def _find(version: str) -> NodeImage | None:
    tag = f"{REPOSITORY}:{version}"
    return next((image for image in await list_node_images() if image.tag == tag), None)


def _rootfs() -> Path:
    return Path(str(resources.files(__package__))) / "node" / "rootfs"


def _recipe(version: str, release: Release) -> str:
    parts = catalogue().parts
    text = repr((version, release, base_tag(), _MASKED, _IPTABLES, _BAKE))
    for part, part_version in release.parts.items():
        text += gomodules.recipe(part, part_version, parts[part][part_version])
    for file in sorted(p for p in _rootfs().rglob("*") if p.is_file()):
        text += f"{file.relative_to(_rootfs())}{file.stat().st_mode & 0o111}{file.read_text()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


async def _binaries(cache: Cache, release: Release, progress: Progress) -> dict[str, Path]:
    arch, parts = architecture(), catalogue().parts
    found: dict[str, Path] = {}
    for part, version in release.parts.items():
        spec = parts[part][version]
        recipe = gomodules.recipe(part, version, spec)
        folder = cache.find(part, version, arch, spec.binaries, recipe)
        if folder is None:
            folder = await gomodules.build(cache, part, version, spec, arch, progress)
        found.update({name: folder / name for name in spec.binaries})
    return found


async def _bake(
    cache: Cache, version: str, release: Release, recipe: str, binaries: dict[str, Path], base: str, progress: Progress
) -> None:
    task = f"node image {version}"
    progress.start(task, total=4, unit="steps")
    work = cache.work("node-image")
    name = f"jeroboam-bake-{recipe[:12]}"
    await _forget(name)
    caps = [
        "--cap-add=SYS_ADMIN",
        "--cap-add=NET_ADMIN",
        "--security-opt=seccomp=unconfined",
        "--security-opt=apparmor=unconfined",
    ]
    await run(["docker", "create", "--name", name, *caps, "-v", f"{name}:/bake", base, "sleep", "3600"], timeout_s=120)
    try:
        tree = _tree(release, version, binaries)
        await run(["docker", "cp", "-", f"{name}:/"], timeout_s=300, stdin=tree)
        await run(["docker", "start", name], timeout_s=120)
        progress.advance(task, note="programs in place")
        await _in(name, _IPTABLES)
        await run(["docker", "cp", f"{name}:/bake/iptables.tar", str(work / "iptables.tar")], timeout_s=120)
        _archive(work, release, binaries)
        await run(["docker", "cp", str(work / "images.tar"), f"{name}:/bake/images.tar"], timeout_s=600)
        progress.advance(task, note="container images made")
        await _in(name, _BAKE)
        await _in(name, f"systemctl mask {' '.join(_MASKED)}; systemctl disable kubelet; " + _ENABLE)
        progress.advance(task, note="container images unpacked")
        await _commit(name, version, recipe, release)
    finally:
        await _forget(name)
        progress.finish(task)


_ENABLE = (
    "systemctl enable containerd jeroboam-bootstrap.service flannel-cni.path; "
    "rm -rf /var/lib/apt/lists/* /var/cache/apt /etc/machine-id; : >/etc/machine-id; "
    "mkdir -p /etc/kubernetes/manifests /etc/cni/net.d /var/lib/kubelet /var/lib/etcd /var/lib/jeroboam"
)


def _tree(release: Release, version: str, binaries: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in sorted(p for p in _rootfs().rglob("*") if p.is_file()):
            content = file.read_bytes().replace(b"@PAUSE@", release.pause.encode())
            _file(tar, str(file.relative_to(_rootfs())), content, 0o755 if file.stat().st_mode & 0o100 else 0o644)
        _file(tar, "etc/jeroboam/image.json", json.dumps(_manifest(version, release), indent=1).encode(), 0o644)
        for name in release.node_binaries:
            _file(tar, f"usr/bin/{name}", binaries[name].read_bytes(), 0o755)
    return buffer.getvalue()


def _file(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(path)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))


def _archive(work: Path, release: Release, binaries: dict[str, Path]) -> None:
    layers = {}
    for number, image in enumerate(release.images):
        layer = work / f"layer{number}.tar"
        images.write_layer(layer, image, binaries, work / "iptables.tar")
        layers[image.name] = (image, layer)
    images.write_archive(work / "images.tar", layers, architecture())


def _manifest(version: str, release: Release) -> dict[str, object]:
    return {
        "coe": "kubernetes",
        "kubernetes": version,
        "parts": release.parts,
        "images": [i.name for i in release.images],
    }


async def _commit(name: str, version: str, recipe: str, release: Release) -> None:
    labels = {
        _LABEL: "1",
        "jeroboam.coe": "kubernetes",
        "os_distro": "debian",
        "kube_version": version,
        "jeroboam.recipe": recipe,
        "jeroboam.manifest": json.dumps(_manifest(version, release), separators=(",", ":")),
    }
    changes = [f"LABEL {key}={json.dumps(value)}" for key, value in labels.items()]
    changes += ['CMD ["/usr/local/sbin/jeroboam-init"]', "ENV container=docker"]
    options = [word for change in changes for word in ("--change", change)]
    await run(["docker", "commit", *options, name, f"{REPOSITORY}:{version}"], timeout_s=600)


async def _in(name: str, script: str) -> None:
    await run(["docker", "exec", "-i", name, "sh", "-s"], timeout_s=600, stdin=script.encode())


async def _forget(name: str) -> None:
    for argv in (["docker", "rm", "-f", "-v", name], ["docker", "volume", "rm", "-f", name]):
        with suppress(ArtifactUnavailable):  # not there is what is wanted
            await run(argv, timeout_s=120)
