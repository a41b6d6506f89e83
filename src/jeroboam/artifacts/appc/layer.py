"""The files of an ACI as the layer of an OCI image. Source: OCI image specification 1.1, layer.md."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from .archive import MANIFEST, ROOTFS, Entry, Reader

_WHITEOUT = ".wh."
_BLOCK = 1 << 20
_KEPT = "SCHILY.xattr."  # of the extended headers; the others say again what tarfile knows, under names that we change


@dataclass(frozen=True)
class Layer:
    """A written layer: where, its SHA-256 in hex, its size in bytes, and who owns the paths that were asked for."""

    path: Path
    sha256: str
    size: int
    owners: dict[str, tuple[int, int]]


def write_layer(
    reader: Reader, target: Path, only: Collection[str], asked: Collection[str], heard: Callable[[int], None]
) -> Layer:
    """Everything under `rootfs`, or `only` these paths if there are some. `heard` is told of the bytes as they come.
    Raises InvalidRequest for what may not be in an ACI, or would mean something else in a layer."""
    writer = _Writer(reader, frozenset(path.strip("/") for path in only), {path.strip("/") for path in asked})
    with target.open("xb") as file:
        hashed = _Hashed(file, heard)
        into = tarfile.open(fileobj=cast("IO[bytes]", hashed), mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        with into as tar, reader.entries() as entries:
            for entry in entries:
                writer.take(entry, tar)
    if not writer.saw_rootfs:
        raise reader.refuse(f"it holds no folder {ROOTFS}")
    return Layer(target, hashed.sha256.hexdigest(), hashed.size, writer.owners)


class _Writer:
    def __init__(self, reader: Reader, only: frozenset[str], asked: set[str]) -> None:
        self._reader, self._only, self._asked = reader, only, asked
        self._links: set[str] = set()
        self._bytes = 0
        self.saw_rootfs = False
        self.owners: dict[str, tuple[int, int]] = {}

    def take(self, entry: Entry, tar: tarfile.TarFile) -> None:
        """Copy one file, unless it is the manifest, the root itself, or not listed."""
        if entry.name in (MANIFEST, "."):
            return
        top, _, name = entry.name.partition("/")
        if top != ROOTFS or not (name or entry.info.isdir()):
            raise self._reader.refuse(f"{entry.name} is neither {MANIFEST} nor in the folder {ROOTFS}")
        self.saw_rootfs = True
        if not name:
            return  # the root itself has the modes that the runtime gives it
        self._check(name, entry)
        if name in self._asked:
            self.owners[name] = (entry.info.uid, entry.info.gid)
        if not self._only or name in self._only:
            tar.addfile(self._renamed(name, entry.info), entry.content)

    def _check(self, name: str, entry: Entry) -> None:
        parts = name.split("/")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in self._links:
                raise self._reader.refuse(f"{entry.name} lies behind the symbolic link {'/'.join(parts[:depth])}")
        if entry.info.issym():
            self._links.add(name)
        if any(part.startswith(_WHITEOUT) for part in parts):
            raise self._reader.refuse(f"{entry.name} begins with {_WHITEOUT}, which in a layer means a removed file")
        self._bytes += entry.info.size  # of a sparse file this is more than what was read
        if self._bytes > self._reader.limits.total_bytes:
            raise self._reader.refuse(f"it unpacks to more than {self._reader.limits.total_bytes} bytes")

    def _renamed(self, name: str, info: tarfile.TarInfo) -> tarfile.TarInfo:
        made = tarfile.TarInfo(name)
        made.type = tarfile.REGTYPE if info.isreg() else info.type
        made.mode, made.mtime, made.size = info.mode, info.mtime, info.size if info.isreg() else 0
        made.uid, made.gid, made.uname, made.gname = info.uid, info.gid, info.uname, info.gname
        made.devmajor, made.devminor = info.devmajor, info.devminor
        made.pax_headers = {key: value for key, value in info.pax_headers.items() if key.startswith(_KEPT)}
        if info.issym():
            made.linkname = info.linkname
        elif info.islnk():
            made.linkname = self._target(info)
        elif not (info.isreg() or info.isdir() or info.isdev()):
            raise self._reader.refuse(f"{info.name} is of a type that no layer has ({info.type!r})")
        return made

    def _target(self, info: tarfile.TarInfo) -> str:
        top, _, name = self._reader.inside(info.linkname).partition("/")
        if top != ROOTFS or not name:
            raise self._reader.refuse(f"{info.name} is a hard link to {info.linkname}, outside of {ROOTFS}")
        if self._only and name not in self._only:
            raise self._reader.refuse(f"{info.name} is a hard link to /{name}, which pathWhitelist leaves out")
        return name


class _Hashed:
    """A file that is hashed as it is written."""

    def __init__(self, file: IO[bytes], heard: Callable[[int], None]) -> None:
        self._file, self._heard = file, heard
        self.sha256, self.size = hashlib.sha256(), 0

    def write(self, block: bytes) -> int:
        self.sha256.update(block)
        self.size += len(block)
        self._heard(len(block))
        return self._file.write(block)
