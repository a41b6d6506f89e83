"""`jeroboam image build --format ...`: node images in files, for clouds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from ..domain.errors import InvalidRequest

if TYPE_CHECKING:
    from ..artifacts import CloudImage, SourceSettings

_FILES = Group("Images for clouds", sort_key=40)
FileFormat = Annotated[
    Literal["docker", "tar", "raw", "qcow2"],
    Parameter(
        name="--format",
        group=_FILES,
        help="docker: an image of this machine's Docker; tar: a tree of files; raw, qcow2: a disk that boots, or a file system.",
    ),
]
ServerType = Annotated[
    Literal["vm", "bm", "container"] | None,
    Parameter(
        group=_FILES,
        show_default=False,
        help="What starts from the file: virtual machines, bare metal, system containers (raw: one file system). "
        "vm if not given; container for tar.",
    ),
]
Output = Annotated[
    Path | None,
    Parameter(
        group=_FILES, show_default=False, help="File to write; a name that tells what it is, here, if not given."
    ),
]


@dataclass(frozen=True)
class File:
    """What --format, --server-type and --output say."""

    format: str
    server_type: str | None
    output: Path | None


async def build_file(
    coe: str,
    version: str | None,
    runtimes: tuple[str, ...],
    file: File,
    settings: SourceSettings,
    force: bool,
    *,
    as_json: bool,
) -> bool:
    """Build what `file` asks for and print it; False when it asks for an image in Docker."""
    from .. import artifacts
    from ..artifacts.cloud_form import check_server_type
    from ..cli.output import show_json
    from ..cli.progress import show_progress, size

    output = file.output
    if file.format == "docker":
        for option, value in (("--server-type", file.server_type), ("--output", output)):
            if value is not None:
                raise InvalidRequest(
                    f"{option} {value} does not fit --format docker.", hint="Name a format that is a file."
                )
        return False
    if output is not None and output.is_dir():
        raise InvalidRequest(
            f"--output: {output} is a folder.", hint=f"Name a file, such as {output / 'node'}.{file.format}."
        )
    server_type = check_server_type(file.format, file.server_type)
    wish = artifacts.CloudWish(coe, file.format, server_type, version=version, runtimes=runtimes, output=output)
    with show_progress() as progress:
        path, image = await artifacts.build_cloud_image(wish, progress=progress, force=force, sources=settings)
    if as_json:
        show_json({"path": str(path), **record(image)})
    else:
        print(f"{path}  {size(image.size)}  sha256:{image.sha256}")
    return True


def record(image: CloudImage) -> dict[str, object]:
    """The fields of an image's record."""
    import msgspec

    return dict(msgspec.to_builtins(image))
