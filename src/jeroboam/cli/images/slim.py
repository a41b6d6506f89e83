"""The part of an archive that its receiver lacks: first layers that it has already are not sent again.

An image that was built anew on the same base is a few MiB then. Engines of Docker do without a layer that they have unpacked (seen with
20.10; moby, image/tarexport/load.go); containerd takes an OCI layout whose blobs it holds already.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from .archive import Archive, Image, add, content_of, copy, full, size_of

_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
Slim = Callable[[frozenset[str]], Archive]
Write = Callable[[Archive, Path, frozenset[str]], None]


def of_chains(archive: Archive, chains: Collection[Sequence[str]]) -> frozenset[str]:
    """Members that an engine with images of these layers can do without: those from the first on that another image begins with, too."""
    return _omitted(archive, lambda image: max((_common(image.diff_ids, chain) for chain in chains), default=0))


def of_blobs(archive: Archive, blobs: Collection[str]) -> frozenset[str]:
    """Members that a store which holds these blobs can do without: those from the first on."""
    return _omitted(
        archive,
        lambda image: next((n for n, one in enumerate(image.diff_ids) if one not in blobs), len(image.diff_ids)),
    )


def _omitted(archive: Archive, count: Callable[[Image], int]) -> frozenset[str]:
    sound = [image for image in archive.images if len(image.diff_ids) == len(image.layers)]
    there = {member for image in sound for member in image.layers[: count(image)]}
    wanted = {member for image in archive.images for member in image.layers[count(image) if image in sound else 0 :]}
    return frozenset(there - wanted)


def _common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    return next(
        (n for n, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), min(len(ours), len(theirs))
    )


@contextmanager
def slimming(archive: Archive, write: Write) -> Iterator[Slim]:
    """Archives without some members; each is written once, and gone in the end. Any thread may ask."""
    made: dict[frozenset[str], Archive] = {frozenset(): archive}
    lock = threading.Lock()
    with tempfile.TemporaryDirectory(prefix="jeroboam-image-") as folder:

        def slim(omitted: frozenset[str]) -> Archive:
            with lock:
                if omitted not in made:
                    made[omitted] = _written(archive, write, Path(folder) / f"{len(made)}.tar", omitted)
                return made[omitted]

        yield slim


def _written(archive: Archive, write: Write, path: Path, omitted: frozenset[str]) -> Archive:
    """The whole where nothing is won (it may be compressed), or where a part is missing: its receiver says which."""
    try:
        write(archive, path, omitted)
    except (OSError, EOFError, tarfile.TarError, KeyError, ValueError):
        return archive
    slimmed = replace(archive, path=path, size=path.stat().st_size)
    return slimmed if slimmed.size < archive.size else archive


def write_layout(archive: Archive, path: Path, without: frozenset[str]) -> None:
    """An OCI layout with these images, each under the names that containerd gives them; layers must not be compressed."""
    entries: list[dict[str, Any]] = []
    with tarfile.open(archive.path) as source, tarfile.open(path, "w") as target:
        written: set[str] = set()
        for image in archive.images:
            config = content_of(source, image.config)
            layers = []
            for member, diff_id in zip(image.layers, image.diff_ids, strict=True):
                if member not in without and diff_id not in written:
                    copy(source, member, target, _blob(diff_id))
                    written.add(diff_id)
                layers.append({"mediaType": _LAYER, "size": size_of(source, member), "digest": diff_id})
            described = {"mediaType": _CONFIG, "size": len(config), "digest": image.ident}
            manifest = json.dumps(
                {"schemaVersion": 2, "mediaType": _MANIFEST, "config": described, "layers": layers}
            ).encode()
            digest = f"sha256:{sha256(manifest).hexdigest()}"
            add(target, _blob(image.ident), config)
            add(target, _blob(digest), manifest)
            entry = {"mediaType": _MANIFEST, "size": len(manifest), "digest": digest}
            entries += [entry | {"annotations": {"io.containerd.image.name": full(name)}} for name in image.names]
        add(target, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        add(target, "index.json", json.dumps({"schemaVersion": 2, "manifests": entries}).encode())


def plain_layers(archive: Archive) -> bool:
    """Whether all layers are there and none is compressed: the digests of what is sent are the diff ids then."""
    try:
        with tarfile.open(archive.path) as tar:
            return all(_is_tar(tar, member) for image in archive.images for member in image.layers)
    except (OSError, EOFError, tarfile.TarError, KeyError):
        return False


def _is_tar(tar: tarfile.TarFile, member: str) -> bool:
    file = tar.extractfile(member)
    if file is None:
        return False
    with file:
        head = file.read(512)
    return head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + len(_TAR_MAGIC)] == _TAR_MAGIC or not head.strip(b"\0")


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
