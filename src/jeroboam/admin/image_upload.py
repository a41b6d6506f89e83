"""`jeroboam image upload`: a node image in a file becomes one of Glance."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import uuid4

from cyclopts import Parameter

from ..domain.errors import InvalidRequest
from .outcome import framed

if TYPE_CHECKING:
    from .openstack.upload import Report

_RESERVED = ("name", "visibility", "disk_format", "container_format", "min_disk", "id", "status", "size", "owner")


def upload(
    file: Path,
    /,
    *,
    name: Annotated[
        str | None, Parameter(show_default=False, help="Name in Glance; the file's without its ending if not given.")
    ] = None,
    visibility: Annotated[
        Literal["public", "community", "shared", "private"], Parameter(help="Who sees it.")
    ] = "public",
    property_: Annotated[
        tuple[str, ...],
        Parameter(
            name="--property",
            negative="",
            show_default=False,
            help="KEY=VALUE beside its own, such as hw_firmware_type=uefi; repeat it.",
        ),
    ] = (),
    os_cloud: Annotated[
        str | None,
        Parameter(show_default=False, help="Entry of clouds.yaml; without it OS_CLOUD and the other variables OS_*."),
    ] = None,
    cafile: Annotated[
        Path | None, Parameter(show_default=False, help="PEM file of the CAs of the cloud's certificates.")
    ] = None,
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Print JSON.")] = False,
) -> int:
    """Upload a node image that `image build --format raw` or `qcow2` made, with its record FILE.json beside it, into Glance.

    The image says what it holds, by properties that templates and drivers look at. One that this project has already is kept, and who
    sees it and its properties are set as asked for; another one of the same name stays, and is told. Needs the extra `openstack`.

    For example:

    jeroboam image upload jeroboam-kubernetes-v1.34.4-vm.qcow2 --name kubernetes-1.34

    jeroboam image upload swarm.raw --visibility private --property hypervisor_type=lxc

    Parameters
    ----------
    file
        The image.
    """

    def work() -> None:
        _upload(file, name, visibility, property_, os_cloud, cafile and cafile.absolute(), as_json=json)

    return framed(work, kept="What had reached Glance of it is removed.", as_json=json)


def _upload(
    file: Path,
    name: str | None,
    visibility: str,
    properties: tuple[str, ...],
    cloud: str | None,
    cafile: Path | None,
    *,
    as_json: bool,
) -> None:
    import msgspec

    from .. import artifacts
    from ..artifacts.cache import digest
    from ..cli.output import show_json
    from ..cli.progress import show_progress
    from .openstack.glance import Glance
    from .openstack.upload import Upload, check, put

    more = _properties(properties)
    with _reading(file):
        record = artifacts.read_record(file)
        wish = Upload(file, record, name or file.stem, visibility, more)
        check(wish)
    shelf = Glance(cloud, cafile)
    with _reading(file):
        sha256 = digest(file)
    with show_progress() as progress:
        report = put(shelf, wish, sha256, str(uuid4()), progress)
    for note in _notes(report, wish.name):
        print(f"Note: {note}", file=sys.stderr)
    if as_json:
        told = {"name": wish.name, "sha256": record.sha256, **msgspec.to_builtins(report)}
        show_json(told)
        return
    changed = f"  ({', '.join(report.changed)})" if report.changed else ""
    print(f"{report.outcome.value:<7} image {wish.name}  {report.id}{changed}")


def _notes(report: Report, name: str) -> Iterator[str]:
    for one in report.others:
        yield (
            f"image {one} has the name {name}, too, and other content or another project. "
            "It stays; templates must name either by its id."
        )
    for one in report.copies:
        yield f"image {one} is the same once more. Unless something names it: openstack image delete {one}"
    for one in report.unfinished:
        yield f"image {one} of this name was never filled. Unless somebody is at it: openstack image delete {one}"


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidRequest(f"{error.filename or file} cannot be read: {error.strerror}.") from error


def _properties(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key or key in _RESERVED:
            raise InvalidRequest(
                f"--property {text!r} is not KEY=VALUE of a property.", hint="For example hw_firmware_type=uefi."
            )
        found[key] = value
    return found
