"""Container images in an archive: which they are, and their archive as every tool takes it.

Sources: Docker image specification v1.2 ("docker save"), OCI image layout 1.0 (index.json, and containerd's annotation for full names).
"""

from __future__ import annotations

import io
import json
import platform
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from ..errors import Usage

_NAME = re.compile(
    r"(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]{1,5})?/)?"  # host
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
)
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_FULL_NAME, _SHORT_NAME = "io.containerd.image.name", "org.opencontainers.image.ref.name"
_MADE_BY = "`docker save -o FILE IMAGE` makes one."


@dataclass(frozen=True)
class Image:
    """One image. `ident` is the digest of its configuration, by which engines know it; `config` and `layers` are members of the archive,
    `diff_ids` the digests of the layers when they are not compressed."""

    ident: str
    names: tuple[str, ...]
    architecture: str
    config: str
    layers: tuple[str, ...]
    diff_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Archive:
    """A file with images. `docker` says whether `docker load` of any version takes it as it is."""

    path: Path
    size: int
    images: tuple[Image, ...]
    docker: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Of all images."""
        return tuple(name for image in self.images for name in image.names)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Each name with the ident of its image."""
        return tuple((name, image.ident) for image in self.images for name in image.names)

    def pieces(self, size: int = 1 << 18) -> Iterator[bytes]:
        """Its bytes."""
        with self.path.open("rb") as file:
            while piece := file.read(size):
                yield piece


def familiar(name: str) -> str:
    """A name with its tag, as Docker shows it: `docker.io/library/web` is `web:latest`. Raises Usage for what is no name."""
    if not _NAME.fullmatch(name):
        hint = "Write NAME:TAG, in lower case; with a host in front if it shall have one."
        raise Usage(f"{name!r} is no name of an image.", hint=hint)
    short = name.removeprefix("docker.io/").removeprefix("library/")
    return short if ":" in short.rpartition("/")[2] else f"{short}:latest"


def full(name: str) -> str:
    """A name as containerd keeps it: `web:latest` is `docker.io/library/web:latest`."""
    name = familiar(name)
    host, slash, _ = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def read(path: Path) -> Archive:
    """The images of an archive of either kind, compressed or not. Raises Usage, naming the file."""
    try:
        with tarfile.open(path) as tar:
            members = set(tar.getnames())
            if "manifest.json" in members:
                images, docker = _docker(tar), True
            elif "index.json" in members:
                images, docker = _oci(tar), False
            else:
                raise Usage(f"{path} holds no container image: neither manifest.json nor index.json.", hint=_MADE_BY)
    except (OSError, EOFError, tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise Usage(f"{path} is no archive of container images: {_words(error)}", hint=_MADE_BY) from None
    if not images:
        raise Usage(f"{path} holds no container image.", hint=_MADE_BY)
    return Archive(path, path.stat().st_size, images, docker)


def renamed(archive: Archive, name: str | None) -> Archive:
    """Under this name if one is given. Raises Usage for several images, or one that has no name."""
    if name is not None:
        if len(archive.images) > 1:
            raise Usage(f"--name {name} is one name, and the archive has {len(archive.images)} images.")
        return replace(archive, images=(replace(archive.images[0], names=(familiar(name),)),), docker=False)
    nameless = [image for image in archive.images if not image.names]
    if nameless:
        raise Usage(f"Image {nameless[0].ident[:19]} has no name.", hint="Give it one: --name NAME:TAG")
    return archive


def as_docker(archive: Archive, path: Path) -> Archive:
    """The same images as `docker load` takes them; written to `path` when the archive is not such a one. Raises Usage for an archive
    that lacks a part, OSError when `path` cannot be written."""
    if archive.docker:
        return archive
    try:
        write_docker(archive, path)
    except (EOFError, tarfile.TarError, KeyError, ValueError) as error:
        raise Usage(f"{archive.path} lacks a part of its image: {_words(error)}", hint=_MADE_BY) from None
    return replace(archive, path=path, size=path.stat().st_size, docker=True)


def write_docker(archive: Archive, path: Path, without: frozenset[str] = frozenset()) -> None:
    """As `docker save` does; layers `without` which the receiver can do are left out. Raises KeyError for a part that is missing."""
    manifest: list[dict[str, Any]] = []
    with tarfile.open(archive.path) as source, tarfile.open(path, "w") as target:
        written: set[str] = set()
        for image in archive.images:
            config = f"{image.ident.removeprefix('sha256:')}.json"
            layers = [f"{_plain_name(layer)}.tar" for layer in image.layers]
            for member, name in zip((image.config, *image.layers), (config, *layers), strict=True):
                if name not in written and member not in without:
                    copy(source, member, target, name)
                    written.add(name)
            manifest.append({"Config": config, "RepoTags": list(image.names), "Layers": layers})
        add(target, "manifest.json", json.dumps(manifest).encode())


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """A member with this content."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _docker(tar: tarfile.TarFile) -> tuple[Image, ...]:
    found = []
    for one in json.loads(content_of(tar, "manifest.json")):
        content = content_of(tar, one["Config"])
        names = tuple(familiar(name) for name in one.get("RepoTags") or ())
        found.append(_image(content, names, str(one["Config"]), tuple(one["Layers"])))
    return tuple(found)


def _oci(tar: tarfile.TarFile) -> tuple[Image, ...]:
    found = []
    for entry in json.loads(content_of(tar, "index.json"))["manifests"]:
        notes = entry.get("annotations") or {}
        name = str(notes.get(_FULL_NAME) or notes.get(_SHORT_NAME) or "")
        names = (familiar(name),) if ":" in name or "/" in name else ()  # a tag alone names nothing
        manifest = _manifest(tar, entry)
        config = _blob(manifest["config"])
        layers = tuple(_blob(layer) for layer in manifest["layers"])
        found.append(_image(content_of(tar, config), names, config, layers))
    return tuple(found)


def _manifest(tar: tarfile.TarFile, entry: Any) -> Any:
    """That of an entry, which may be an index of several platforms: then this machine's, else the only one."""
    document = json.loads(content_of(tar, _blob(entry)))
    if "manifests" not in document:
        return document
    fit = [one for one in document["manifests"] if (one.get("platform") or {}).get("os") == "linux"]
    own = [one for one in fit if one["platform"].get("architecture") == _MACHINES.get(platform.machine())]
    chosen = own or fit
    if len(chosen) != 1:
        raise ValueError(f"{len(chosen)} images for Linux where one is wanted")
    return _manifest(tar, chosen[0])


def _image(config: bytes, names: tuple[str, ...], member: str, layers: tuple[str, ...]) -> Image:
    from hashlib import sha256

    document = json.loads(config)
    diff_ids = tuple(str(one) for one in (document.get("rootfs") or {}).get("diff_ids") or ())
    architecture = str(document.get("architecture") or "")
    return Image(f"sha256:{sha256(config).hexdigest()}", names, architecture, member, layers, diff_ids)


def _blob(descriptor: Any) -> str:
    return f"blobs/{str(descriptor['digest']).replace(':', '/')}"


def _plain_name(member: str) -> str:
    return member.removesuffix("/layer.tar").rpartition("/")[2].removesuffix(".tar")


def content_of(tar: tarfile.TarFile, member: str) -> bytes:
    """That of a member. Raises KeyError."""
    with _opened(tar, member) as file:
        return file.read()


@contextmanager
def _opened(tar: tarfile.TarFile, member: str) -> Iterator[IO[bytes]]:
    file = tar.extractfile(member)
    if file is None:
        raise ValueError(f"{member} is no file")
    with file:
        yield file


def copy(source: tarfile.TarFile, member: str, target: tarfile.TarFile, name: str) -> None:
    """A member into another tar, under another name."""
    info = tarfile.TarInfo(name)
    info.size = size_of(source, member)  # that of a link is its target's
    with _opened(source, member) as file:
        target.addfile(info, file)


def size_of(tar: tarfile.TarFile, member: str) -> int:
    """Bytes of a member."""
    with _opened(tar, member) as file:
        return file.seek(0, io.SEEK_END)


def _words(error: Exception) -> str:
    if isinstance(error, tarfile.ReadError):
        return "it is no tar, nor one packed by gzip, bzip2 or xz"
    return " ".join(str(error).split()) or type(error).__name__


def refuse_other_architecture(images: Sequence[Image], node: str, architecture: str) -> str:
    """Why this node cannot run one of them, "" when it can run all."""
    wanted = _MACHINES.get(architecture, architecture)
    others = [image for image in images if image.architecture and wanted and image.architecture != wanted]
    if not others:
        return ""
    name = others[0].names[0] if others[0].names else others[0].ident[:19]
    return f"{name} is for {others[0].architecture}, {node} is {wanted}"
