"""`jeroboam image`: node images and what they are made of. Works on this machine's Docker and cache; asks no service."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter

from ..domain.errors import ConfigError, InvalidRequest
from .image_files import File, FileFormat, Output, ServerType
from .outcome import framed, tell_usage

if TYPE_CHECKING:
    from ..artifacts import NodeImage, SourceSettings

_SOURCES = Group("Where binaries come from", sort_key=50)

Version = Annotated[
    str | None,
    Parameter(
        show_default=False,
        help="Of the container tool, such as 1.35, v1.35.4 or 26.1.5; the default one if not given. See `image versions`.",
    ),
]
Kubernetes = Annotated[
    str | None,
    Parameter(name=("--kubernetes", "-k"), show_default=False, help="The same, for Kubernetes only."),
]
SourceNames = Annotated[
    tuple[Literal["release", "mirror", "modules"], ...],
    Parameter(
        group=_SOURCES,
        negative="",
        show_default=False,
        env_var="JEROBOAM_SOURCES",
        help="Ask these, in this order; repeat it. release: the makers' sites; mirror: yours; modules: built by Go.",
    ),
]
OtherSourceNames = Annotated[
    tuple[Literal["release", "modules"], ...],
    Parameter(
        group=_SOURCES,
        negative="",
        show_default=False,
        help="Ask these, in this order; repeat it. release: the makers' sites; modules: built by Go.",
    ),
]
MirrorPlace = Annotated[
    str,
    Parameter(
        group=_SOURCES,
        show_default=False,
        env_var="JEROBOAM_MIRROR",
        help="Folder or address of a mirror, asked first if --source says nothing else.",
    ),
]
Sites = Annotated[
    tuple[str, ...],
    Parameter(
        group=_SOURCES,
        negative="",
        show_default=False,
        env_var="JEROBOAM_SITES",
        help="PART=ADDRESS of a copy of a release site, for example kubernetes=https://files.example/release; repeat it.",
    ),
]
HELP = "Node images: build, list, delete, versions, mirror, convert, upload. Images for workloads: load."
Runtimes = Annotated[
    tuple[str, ...],
    Parameter(
        negative="",
        show_default=False,
        help="Add a container runtime, such as runsc (gVisor), which takes minutes to build and 42 MiB; repeat it.",
    ),
]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


def build_app() -> App:
    """The command `image` with its own commands."""
    from ..cli import image_commands
    from ..cli.options import usage_error
    from .image_convert import convert
    from .image_upload import upload
    from .image_versions import versions

    app = App(name="image", help=HELP, error_formatter=usage_error)
    for command in (build, convert, delete, mirror, upload, versions):
        app.command(command)
    app.command(list_, name="list")
    app.command(image_commands.load)
    return app


def build(
    *,
    coe: Literal["kubernetes", "swarm", "lxd"] = "kubernetes",
    version: Version = None,
    kubernetes: Kubernetes = None,
    runtime: Runtimes = (),
    format_: FileFormat = "docker",
    server_type: ServerType = None,
    output: Output = None,
    source: SourceNames = (),
    mirror: MirrorPlace = "",
    site: Sites = (),
    force: Flag = False,
    json: Flag = False,
) -> int:
    """Build a node image: of Kubernetes, or of Swarm or LXD in a version that Debian has.

    It goes to Docker or, with --format, into a file for a cloud, which `image upload` takes there.

    Minutes the first time, nothing when nothing changed. Ctrl-C loses nothing that was finished: the next build goes on.

    For example:

    jeroboam image build

    jeroboam image build --version 1.35

    jeroboam image build --coe swarm --version 26.1.5

    jeroboam image build --runtime runsc

    jeroboam image build --source mirror --mirror /media/usb/jeroboam

    jeroboam image build --format qcow2

    jeroboam image build --coe swarm --format raw --server-type container --output swarm.raw

    Parameters
    ----------
    coe
        Container tool: kubernetes, swarm or lxd.
    force
        Bake it again though nothing changed.
    json
        Print JSON.
    """
    settings = _settings(source, mirror, site)
    which, file = _Which(coe, version, kubernetes, runtime), File(format_, server_type, output)
    return _framed(_build(which, file, settings, force, as_json=json), as_json=json)


def list_(*, json: Flag = False) -> int:
    """List the node images that Docker holds.

    For example:

    jeroboam image list

    jeroboam image list --json

    Parameters
    ----------
    json
        Print JSON.
    """
    return _framed(_list(json), as_json=json)


def delete(
    *tag: Annotated[str, Parameter(required=True, help="Tag as `image list` shows it; several may be given.")],
) -> int:
    """Delete node images. One that a node uses is refused.

    For example:

    jeroboam image delete jeroboam/node-kubernetes:v1.34.4
    """
    return _framed(_delete(tag))


def mirror(
    folder: Path,
    /,
    *,
    kubernetes: Annotated[
        tuple[str, ...],
        Parameter(
            name=("--kubernetes", "-k"),
            negative="",
            show_default=False,
            help="Version; repeat it. The default one if not given.",
        ),
    ] = (),
    runtime: Runtimes = (),
    source: OtherSourceNames = (),
    site: Sites = (),
) -> int:
    """Write a mirror: all binaries of a version in a folder, for machines that have neither Go nor a way to the release sites.

    The folder may be copied or served over HTTP as it is. What the cache lacks is fetched or built first.

    For example:

    jeroboam image mirror /media/usb/jeroboam --kubernetes 1.34 --kubernetes 1.35

    jeroboam image build --source mirror --mirror /media/usb/jeroboam

    Parameters
    ----------
    folder
        Where to; made when it is not there.
    """
    return _framed(_mirror(folder, kubernetes, runtime, _settings(source, "", site)))


@dataclass(frozen=True)
class _Which:
    """Which image --coe, --version, --kubernetes and --runtime ask for."""

    coe: str
    version: str | None
    kubernetes: str | None
    runtimes: tuple[str, ...]

    def checked(self) -> str | None:
        """The one version of --version and --kubernetes. Raises InvalidRequest for options that do not fit each other."""
        if self.runtimes and self.coe != "kubernetes":
            raise InvalidRequest(
                f"--runtime {self.runtimes[0]} does not fit --coe {self.coe}.", hint="Drop one of them."
            )
        if self.kubernetes is None:
            return self.version
        if self.coe != "kubernetes":
            raise InvalidRequest(
                f"--kubernetes {self.kubernetes} does not fit --coe {self.coe}.",
                hint="Say --version, or drop one of them.",
            )
        if self.version is not None:
            raise InvalidRequest(
                f"--version {self.version} and --kubernetes {self.kubernetes} say the same.", hint="Drop one of them."
            )
        return self.kubernetes


async def _build(which: _Which, file: File, settings: SourceSettings, force: bool, *, as_json: bool) -> None:
    from .. import artifacts
    from ..cli.output import show_json
    from ..cli.progress import show_progress, size
    from .image_files import build_file

    settings.names()  # a wrong option is told before anything starts
    version, coe, runtimes = which.checked(), which.coe, which.runtimes
    if await build_file(coe, version, runtimes, file, settings, force, as_json=as_json):
        return
    with show_progress() as progress:
        if coe == "kubernetes":
            image = await artifacts.build_node_image(
                version, runtimes=runtimes, progress=progress, force=force, sources=settings
            )
        else:
            image = await artifacts.build_distro_image(coe, version, progress=progress, force=force, sources=settings)
    if as_json:
        show_json(_as_json(image))
        return
    print(f"{image.tag}  {size(image.size)}")


async def _list(as_json: bool) -> None:
    from .. import artifacts
    from ..cli.output import show_json, show_table
    from ..cli.progress import size

    found = sorted(await artifacts.list_node_images(), key=lambda image: image.tag)
    if as_json:
        show_json([_as_json(image) for image in found])
        return
    rows = [
        (image.tag, image.coe, image.version, size(image.size), image.id.removeprefix("sha256:")[:12])
        for image in found
    ]
    nothing = "No node images yet. Make one: jeroboam image build"
    show_table(("TAG", "COE", "VERSION", "SIZE", "ID"), rows, nothing=nothing)


async def _delete(tags: tuple[str, ...]) -> None:
    from .. import artifacts

    for tag in tags:
        await artifacts.remove_node_image(tag)
        print(f"{tag} deleted")


async def _mirror(folder: Path, wanted: tuple[str, ...], runtimes: tuple[str, ...], settings: SourceSettings) -> None:
    from .. import artifacts
    from ..cli.progress import show_progress

    settings.names()
    with show_progress() as progress:
        made = await artifacts.mirror_parts(folder, wanted, runtimes=runtimes, progress=progress, sources=settings)
    for part in made:
        print(part.relative_to(folder))


def _settings(source: tuple[str, ...], mirror: str, site: tuple[str, ...]) -> SourceSettings:
    from ..artifacts import SourceSettings

    sites = {}
    for text in site:
        part, equals, address = text.partition("=")
        if not equals:
            raise SystemExit(tell_usage(ConfigError(f"--site {text!r} is not PART=ADDRESS.")))
        sites[part] = address
    return SourceSettings(order=source, mirror=mirror, sites=sites)


def _as_json(image: NodeImage) -> dict[str, object]:
    return {
        "tag": image.tag,
        "id": image.id,
        "coe": image.coe,
        "version": image.version,
        "recipe": image.recipe,
        "size": image.size,
    }


def _framed(work: Coroutine[object, object, None], *, as_json: bool = False) -> int:
    kept = "What was finished is kept; the same command goes on from there."
    return framed(lambda: asyncio.run(work), kept=kept, as_json=as_json)
