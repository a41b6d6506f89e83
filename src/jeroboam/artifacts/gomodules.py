"""Source "modules": binaries built from the Go module proxy, verified by the go.sum that ships with this program.

Interrupted builds go on where they stopped, since Go keeps what it compiled. Which proxy is asked is the user's own Go setting.
Which Go is used: see toolchain.py.
"""

from __future__ import annotations

import asyncio
import hashlib
from importlib import resources
from pathlib import Path

from ..contracts import Progress
from .cache import Cache, built_by
from .catalogue import Part
from .task import under_way
from .toolchain import Toolchain, choose

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
    elif spec.ldflags:
        words.append(spec.ldflags.format(version=version))
    if spec.cgo:
        words += ["-linkmode external", "-extldflags -static"]
    return " ".join(words)


async def build(cache: Cache, part: str, version: str, spec: Part, arch: str, progress: Progress) -> Path:
    """Build one part into the cache and return its folder. Raises ArtifactUnavailable with the compiler's words."""
    with cache.work(f"{part}-{version}") as made:
        toolchain = await choose(f"{part} {version}", module_folder(part, version), made, cache.root, cgo=spec.cgo)
        await _compile(toolchain, f"build {part} {version}", version, spec, arch, progress)
        origin = built_by(recipe(part, version, spec))
        return await asyncio.to_thread(cache.put, part, version, arch, made, origin)


async def _compile(toolchain: Toolchain, task: str, version: str, spec: Part, arch: str, progress: Progress) -> None:
    env = {"CGO_ENABLED": "1" if spec.cgo else "0", "GOARCH": arch, "GOOS": "linux"}
    paths = [package.split("=")[0] for package in spec.go]
    with under_way(progress, f"{task}: modules"):  # listing them downloads them
        total = len((await toolchain.go(["list", "-mod=readonly", "-deps", *paths], env)).split())
    with under_way(progress, task, total=total, unit="packages"):
        for output, packages in _calls(spec):
            argv = ["build", "-v", "-mod=readonly", "-trimpath", "-ldflags", flags(version, spec), "-o", output]
            await toolchain.go([*argv, *packages], env, lambda line: _show(line, task, progress))


def _calls(spec: Part) -> list[tuple[str, list[str]]]:
    """Where to and what: one call for all programs that keep their package's name, so that they share what they compile."""
    plain = [package for package in spec.go if "=" not in package]
    named = [package.split("=") for package in spec.go if "=" in package]
    return ([("{out}/", plain)] if plain else []) + [(f"{{out}}/{name}", [path]) for path, name in named]


def _show(line: str, task: str, progress: Progress) -> None:
    """`go build -v` names each package that it compiles; other lines are its complaints."""
    if line and " " not in line:
        progress.advance(task, note=line.rpartition("/")[2])
