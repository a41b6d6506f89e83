"""A system image in files: one tarball with metadata.yaml and rootfs/, or a metadata tarball and the root file system beside it.

Source: LXD 5.0, doc/image-handling.md ("Image format"): the fingerprint is the SHA-256 of the file, or of both one after the other.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import Usage

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
_ENDINGS = re.compile(r"(\.tar)?(\.(gz|xz|bz2|zst|lzma|tar|tgz|squashfs|lxd))?$")
_PIECE = 1 << 18


@dataclass(frozen=True)
class SystemImage:
    """Files as they are sent: the unified tarball, or metadata and root file system."""

    files: tuple[Path, ...]
    alias: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files)

    def fingerprint(self) -> str:
        """By which LXD knows it."""
        digest = hashlib.sha256()
        for path in self.files:
            for piece in pieces(path):
                digest.update(piece)
        return digest.hexdigest()


def pieces(path: Path) -> Iterator[bytes]:
    """Its bytes."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def find(image: str, metadata: Path | None, name: str | None) -> SystemImage:
    """The image that the command line names. Raises Usage, naming the file."""
    path = Path(image)
    if not path.is_file():
        hint = "LXD runs whole systems, so no container image of Docker: give the file that `lxc image export` wrote."
        raise Usage(f"{image} is no file.", hint=hint)
    if metadata is not None and not metadata.is_file():
        raise Usage(f"--metadata {metadata} is no file.")
    alias = name or _ENDINGS.sub("", path.name)
    if not _ALIAS.fullmatch(alias):
        raise Usage(f"{alias!r} cannot be the alias of an image.", hint="Give another: --name ALIAS")
    _refuse_without_metadata(metadata or path, unified=metadata is None)
    return SystemImage((path,) if metadata is None else (metadata, path), alias)


def _refuse_without_metadata(path: Path, *, unified: bool) -> None:
    """LXD says this only after the upload. What Python cannot read is left to LXD."""
    try:
        with tarfile.open(path) as tar:
            names = {member.name.removeprefix("./").partition("/")[0] for member in _first(tar)}
    except tarfile.ReadError:
        return
    except (OSError, EOFError, tarfile.TarError) as error:
        raise Usage(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    if "manifest.json" in names or "index.json" in names:
        raise Usage(
            f"{path} is a container image; LXD runs whole systems.", hint="Give one that `lxc image export` wrote."
        )
    if "metadata.yaml" not in names:
        hint = "Give the metadata tarball as well: --metadata FILE" if unified else ""
        raise Usage(f"{path} has no metadata.yaml, which LXD wants.", hint=hint)


def _first(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Members until metadata.yaml is seen: of a large tarball the rest is not read."""
    for member in tar:
        yield member
        if member.name.removeprefix("./") == "metadata.yaml":
            return
