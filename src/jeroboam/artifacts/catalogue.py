"""What each release of a container tool is made of: binaries, container images, and where they come from."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from ..domain.errors import NotFound


class Part(msgspec.Struct, frozen=True):
    """Binaries that are built or fetched together. `go`: packages of the committed module, `path=name` where the names differ.
    `ldflags`: the linker's, with {version} in them; the word "version" stands for those that Kubernetes' programs read."""

    go: tuple[str, ...]
    binaries: tuple[str, ...]
    ldflags: str = ""
    cgo: bool = False


class Published(msgspec.Struct, frozen=True):
    """Where the makers of a part publish it. `file`: a binary, or the archive that has each as `member`; `sums`: its checksum.
    Paths under `base`; they know {version} ("v1.2.3"), {number} ("1.2.3"), {arch} ("amd64") and {name} (of a binary)."""

    base: str
    file: str
    sums: str
    member: str = ""


class ContainerImage(msgspec.Struct, frozen=True):
    """A container image of one layer: some binaries under `prefix`, perhaps with iptables beside them."""

    name: str
    binaries: tuple[str, ...]
    prefix: str = "usr/local/bin"
    entrypoint: str = ""
    iptables: bool = False


class Release(msgspec.Struct, frozen=True):
    """One version of a container tool."""

    parts: dict[str, str]
    images: tuple[ContainerImage, ...]
    node_binaries: tuple[str, ...]
    pause: str


class Runtime(msgspec.Struct, frozen=True):
    """An OCI runtime that a node image has on request: the part that holds it."""

    part: str
    version: str


class Newer(msgspec.Struct, frozen=True):
    """Packages that come from a newer suite of Debian than the base; all others stay the base's."""

    suite: str
    packages: tuple[str, ...]


class DistroRelease(msgspec.Struct, frozen=True):
    """One version of a tool that Debian packages: the base's own, or a newer suite's."""

    newer: Newer | None = None


class DistroTool(msgspec.Struct, frozen=True):
    """A container tool that node images take from Debian. `title`: what people call it."""

    title: str
    default: str
    versions: dict[str, DistroRelease]


class Catalogue(msgspec.Struct, frozen=True):
    """All we know how to make."""

    default: str
    parts: dict[str, dict[str, Part]]
    published: dict[str, Published]
    kubernetes: dict[str, Release]
    distro: dict[str, DistroTool]
    runtimes: dict[str, Runtime]

    def check_runtimes(self, names: Sequence[str]) -> tuple[str, ...]:
        """These runtimes, each once and in order. Raises NotFound naming the known ones."""
        for name in names:
            if name not in self.runtimes:
                known = ", ".join(self.runtimes)
                raise NotFound("Runtime", name, message=f"Runtime {name!r} is not known; known are: {known}.")
        return tuple(sorted(set(names)))

    def find(self, version: str | None) -> tuple[str, Release]:
        """A release by full version, or by minor ("1.34") its newest patch. Raises NotFound naming the known ones."""
        found = _version("Kubernetes", self.kubernetes, self.default if version is None else version)
        return found, self.kubernetes[found]

    def find_distro(self, coe: str, version: str | None) -> tuple[str, DistroRelease]:
        """The same of a tool that Debian packages."""
        tool = self.distro[coe]
        found = _version(tool.title, tool.versions, tool.default if version is None else version)
        return found, tool.versions[found]


def _version(title: str, versions: Collection[str], asked: str) -> str:
    wanted = "v" + asked.removeprefix("v")
    if wanted in versions:
        return wanted
    fitting = [known for known in versions if known.startswith(wanted + ".")]
    if not fitting:
        known = ", ".join(sorted(versions, key=_numbers))
        raise NotFound(f"{title} version", asked, message=f"{title} {asked!r} is not known; known are: {known}.")
    return max(fitting, key=_numbers)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.removeprefix("v").split(".")]


@cache
def catalogue() -> Catalogue:
    """The catalogue that ships with this program."""
    text = resources.files(__package__).joinpath("catalogue.toml").read_text()
    raw: dict[str, Any] = tomllib.loads(text)
    return msgspec.convert(raw, Catalogue)
