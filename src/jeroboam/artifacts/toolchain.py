"""Which Go compiles: the one installed here, else Docker's official image of Go where a registry can be reached."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..domain.errors import ArtifactUnavailable, DeadlineExceeded, HostUnsupported
from .docker import docker
from .process import run

GO_IMAGE = "golang:{version}-bookworm"  # it holds a C compiler too
_BUILD_S = 45 * 60
_PULL_S = 900
# Settings of Go and of proxies that reach a container; their values are not put on its command line.
_PASSED = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOFLAGS", "http_proxy", "https_proxy", "no_proxy")

Listener = Callable[[str], None]


class Toolchain(Protocol):
    """Runs Go in a module's folder."""

    async def go(self, argv: list[str], env: Mapping[str, str], on_line: Listener | None = None) -> str:
        """Standard output of `go argv...`; `{out}` in an argument becomes the folder of the results."""


@dataclass(frozen=True)
class Installed:
    """The Go of this machine, with the caches and settings that it has."""

    module: Path
    out: Path

    async def go(self, argv: list[str], env: Mapping[str, str], on_line: Listener | None = None) -> str:
        words = [word.replace("{out}", str(self.out)) for word in argv]
        return await run(["go", *words], timeout_s=_BUILD_S, cwd=self.module, env=env, on_line=on_line)


@dataclass(frozen=True)
class InContainer:
    """The Go of an image. Its caches lie in `cache`, so that an interrupted build goes on as well."""

    image: str
    module: Path
    out: Path
    cache: Path

    async def go(self, argv: list[str], env: Mapping[str, str], on_line: Listener | None = None) -> str:
        name = f"jeroboam-go-{self.out.name}"
        settings = {**env, "GOCACHE": "/cache/build", "GOMODCACHE": "/cache/mod", "HOME": "/cache"}
        options = [f"--env={key}={value}" for key, value in settings.items()]
        options += [f"--env={key}" for key in _PASSED if key in os.environ]
        options += [f"--volume={self.module}:/module:ro", f"--volume={self.out}:/out", f"--volume={self.cache}:/cache"]
        options += [f"--user={os.getuid()}:{os.getgid()}", "--network=host", "--workdir=/module", f"--name={name}"]
        words = [word.replace("{out}", "/out") for word in argv]
        await _forget(name)  # one whose client was killed
        try:
            command = ["docker", "run", "--rm", *options, self.image, "go", *words]
            return await run(command, timeout_s=_BUILD_S, on_line=on_line)
        finally:
            await _forget(name)


async def choose(title: str, module: Path, out: Path, cache: Path, *, cgo: bool, image: str = GO_IMAGE) -> Toolchain:
    """A toolchain that can build the module; `title` names what is built. Raises ArtifactUnavailable naming both ways."""
    needed = re.search(r"^go (\d+)\.(\d+)", (module / "go.mod").read_text(), re.M)
    if needed is None:
        raise ArtifactUnavailable(f"The module of {title} names no Go version.")
    obstacle = await _obstacle(int(needed[1]), int(needed[2]), cgo)
    if not obstacle:
        return Installed(module, out)
    tag = image.format(version=f"{needed[1]}.{needed[2]}")
    try:
        if not await docker("images", "-q", tag):
            await docker("pull", "-q", tag, timeout_s=_PULL_S)
    except (ArtifactUnavailable, DeadlineExceeded, HostUnsupported) as error:
        raise ArtifactUnavailable(
            f"Go {needed[1]}.{needed[2]} is needed to build {title}: {obstacle}, and the image {tag} cannot be had "
            f"({' '.join(error.message.split())}).",
            hint=f"Install Go {needed[1]}.{needed[2]} or newer, or use a mirror: `jeroboam image mirror --help`.",
        ) from error
    caches = cache / "go"
    caches.mkdir(parents=True, exist_ok=True)
    return InContainer(tag, module, out, caches)


async def _obstacle(major: int, minor: int, cgo: bool) -> str:
    """Why the Go of this machine will not do; empty when it will."""
    if shutil.which("go") is None:
        return "it is not installed"
    found = re.search(r"go(\d+)\.(\d+)", await run(["go", "version"], timeout_s=60))
    if found is None or (int(found[1]), int(found[2])) < (major, minor):
        return f"this machine has {found[0] if found else 'an unknown version'}"
    if cgo and not (shutil.which("gcc") or shutil.which("cc") or os.environ.get("CC")):
        return "the C compiler that it wants is not installed"
    return ""


async def _forget(name: str) -> None:
    with suppress(ArtifactUnavailable):  # not there is what is wanted
        await docker("rm", "-f", "-v", name)
