"""Reading an ACI: a tar of `manifest` and `rootfs`, perhaps compressed, perhaps made by somebody who means ill.

Nothing is ever unpacked on this machine: files go from one archive to another, and sizes are bounded on the way.
Source: appc specification 0.8.11, spec/aci.md, section "Image Archives".
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from ...domain.errors import InvalidRequest

MANIFEST, ROOTFS = "manifest", "rootfs"
_BLOCK = 1 << 16
_MANIFEST_BYTES = 1 << 20
# What tarfile may read between two files: headers, which it takes into memory whole whatever size they claim.
_HEADER_BYTES = 1 << 22
_DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, tarfile.TarError)


@dataclass(frozen=True)
class Limits:
    """Of the unpacked image: bytes and files. A few kilobytes can be packed that fill any disk."""

    total_bytes: int = 16 << 30
    files: int = 500_000


@dataclass
class Entry:
    """One file of the archive: `name` without leading "./"; what is behind it is read by `content`, before the next one."""

    name: str
    info: tarfile.TarInfo
    content: IO[bytes] | None


@dataclass
class Reader:
    """The entries of an ACI in their order. Raises InvalidRequest naming the file for damage, limits and what may not be in it."""

    path: Path
    limits: Limits = field(default_factory=Limits)
    image_id: str = ""  # what the format calls the image, the unpacked tar's hash; known when all entries were read

    @contextmanager
    def entries(self) -> Iterator[Iterator[Entry]]:
        """Open it; the iterator inside reads on."""
        with self._open() as raw:
            stream = _Bounded(self, _unpacked(raw))
            with self._sound(), tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|", bufsize=_BLOCK) as tar:
                yield self._walk(tar, stream)

    def _open(self) -> IO[bytes]:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise self.refuse(f"it cannot be read ({error.strerror})") from error

    def refuse(self, why: str) -> InvalidRequest:
        """The error to raise."""
        return InvalidRequest(f"{self.path} is no usable ACI: {why}.", field="ACI", value=str(self.path))

    def manifest(self) -> bytes:
        """The manifest, wherever in the archive it stands."""
        with self.entries() as entries:
            for entry in entries:
                if entry.name == MANIFEST:
                    if entry.content is None:
                        raise self.refuse("its manifest is not a regular file")
                    if entry.info.size > _MANIFEST_BYTES:
                        raise self.refuse(f"its manifest is larger than {_MANIFEST_BYTES} bytes")
                    return entry.content.read()
        raise self.refuse("it holds no manifest")

    def _walk(self, tar: tarfile.TarFile, stream: _Bounded) -> Iterator[Entry]:
        seen: set[str] = set()
        while True:
            stream.allow(_HEADER_BYTES)
            with self._sound():
                info = tar.next()
            if info is None:
                self.image_id = f"sha512-{stream.end()}"
                return
            vars(tar)["members"].clear()  # it would keep them all
            name = self.inside(info.name)
            if name in seen:
                raise self.refuse(f"{name} is in it twice")
            seen.add(name)
            if len(seen) > self.limits.files:
                raise self.refuse(f"it has more than {self.limits.files} files")
            stream.allow(info.size + _HEADER_BYTES)
            content = tar.extractfile(info) if info.isreg() else None
            yield Entry(name, info, content)
            with self._sound():
                while content and content.read(_BLOCK):
                    pass  # what nobody wanted: after it only headers are left to read

    def inside(self, name: str) -> str:
        """A path of the archive, plain. Raises InvalidRequest when it leads out of it."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or "\0" in name:
            raise self.refuse(f"the path {name!r} leads out of it")
        if not parts:
            return "."
        return "/".join(parts)

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Around all reading: what is not a sound archive is said in our words."""
        try:
            yield
        except _DAMAGE as error:
            hint = "" if str(error) != "empty file" else "the file is empty"
            raise self.refuse(f"it is damaged, or not a tar at all ({hint or error})") from error


class _Bounded:
    """A stream that reads so much and no more."""

    def __init__(self, reader: Reader, source: IO[bytes]) -> None:
        self._reader, self._source = reader, source
        self._read, self._allowed = 0, _HEADER_BYTES
        self._sha512 = hashlib.sha512()

    def allow(self, more: int) -> None:
        """From here on, `more` bytes, and never more than the limit in all."""
        self._allowed = min(self._read + more + _BLOCK, self._reader.limits.total_bytes)

    def end(self) -> str:
        """Read what is behind the tar's end; the hash of all, in hex."""
        self.allow(self._reader.limits.total_bytes)
        while self.read(_BLOCK):
            pass
        return self._sha512.hexdigest()

    def read(self, size: int) -> bytes:
        try:
            block = self._source.read(size)
        except OSError as error:
            if error.errno is not None:
                raise  # the disk, not the content
            raise self._reader.refuse(f"it is damaged ({error})") from error
        self._read += len(block)
        if self._read > self._reader.limits.total_bytes:
            raise self._reader.refuse(f"it unpacks to more than {self._reader.limits.total_bytes} bytes")
        if self._read > self._allowed:
            raise self._reader.refuse(f"a file in it has headers of more than {_HEADER_BYTES} bytes")
        self._sha512.update(block)
        return block


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    """By the first bytes, since the name is .aci whatever the compression."""
    magic = raw.read(6)
    raw.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if magic == b"\xfd7zXZ\x00":
        return lzma.LZMAFile(raw)
    return raw
