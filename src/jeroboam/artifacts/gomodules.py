"""Source "modules": binaries built from the Go module proxy, verified by the go.sum that ships with this program.

Interrupted builds go on where they stopped, since Go keeps what it compiled. Which proxy is asked is the user's own Go setting.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from importlib import resources
from pathlib import Path

from ..contracts import Progress
from ..domain.errors import ArtifactUnavailable
from .cache import Cache
from .catalogue import Part
from .process import run

_BUILD_S = 45 * 60
_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


def module_folder(part: str, version: str) -> Path:
    """The committed module of a part."""
    return Path(str(resources.files(__package__))) / "modules" / part / version


def recipe(part: str, version: str, spec: Part) -> str:
    """A hash that changes when the result would."""
    text = repr((version, spec, flags(version, spec)))
    for file in sorted(module_folder(part, version).iterdir()):
        text += file.name + file.read_text()
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def flags(version: str, spec: Part) -> str:
    """Linker flags: small, and telling their version where the program asks for it."""
    words = ["-s", "-w"]
    if spec.ldflags == "version":
        major, minor = version.removeprefix("v").split(".")[:2]
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        values["buildDate"] = "2026-01-01T00:00:00Z"  # fixed, so that the same input gives the same bytes
        words += [f"-X {package}.{key}={value}" for package in _VERSION_PACKAGES for key, value in values.items()]
    if spec.cgo:
        words += ["-linkmode external", "-extldflags -static"]
    return " ".join(words)


async def build(cache: Cache, part: str, version: str, spec: Part, arch: str, progress: Progress) -> Path:
    """Build one part into the cache and return its folder. Raises ArtifactUnavailable with the compiler's words."""
    await _check_go(part, version)
    task = f"build {part} {version}"
    progress.start(task, total=len(spec.go), unit="programs")
    made = cache.work(f"{part}-{version}")
    env = {"CGO_ENABLED": "1" if spec.cgo else "0", "GOARCH": arch, "GOOS": "linux"}
    common = ["go", "build", "-mod=readonly", "-trimpath", "-ldflags", flags(version, spec)]
    named = [package for package in spec.go if "=" in package]
    plain = [package for package in spec.go if "=" not in package]
    try:
        if plain:  # one call, so that the programs share what they compile
            progress.advance(task, 0, note="compiling; minutes from a cold cache")
            await _go([*common, "-o", f"{made}/", *plain], part, version, env)
            progress.advance(task, len(plain))
        for package in named:
            path, name = package.split("=")
            await _go([*common, "-o", str(made / name), path], part, version, env)
            progress.advance(task)
    except ArtifactUnavailable as error:
        shutil.rmtree(made, ignore_errors=True)
        progress.finish(task, note="failed")
        raise error
    progress.finish(task)
    return cache.put(part, version, arch, made, recipe(part, version, spec))


async def _go(argv: list[str], part: str, version: str, env: dict[str, str]) -> None:
    await run(argv, timeout_s=_BUILD_S, cwd=module_folder(part, version), env=env)


async def _check_go(part: str, version: str) -> None:
    needed = re.search(r"^go (\d+)\.(\d+)", (module_folder(part, version) / "go.mod").read_text(), re.M)
    if needed is None:
        raise ArtifactUnavailable(f"The module of {part} {version} names no Go version.")
    hint = f"Install Go {needed[1]}.{needed[2]} or newer."
    try:
        present = re.search(r"go(\d+)\.(\d+)", await run(["go", "version"], timeout_s=60))
    except ArtifactUnavailable as error:
        raise ArtifactUnavailable(f"Go is needed to build {part} {version} and is not installed.", hint=hint) from error
    if present is None or (int(present[1]), int(present[2])) < (int(needed[1]), int(needed[2])):
        raise ArtifactUnavailable(f"Go {needed[1]}.{needed[2]} is needed to build {part} {version}.", hint=hint)
