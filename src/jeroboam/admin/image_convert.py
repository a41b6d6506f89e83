"""`jeroboam image convert`: an App Container image becomes an OCI image."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .outcome import framed

_LOAD_S = 600


def convert(
    aci: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
    name: str = "",
    load: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """Convert an App Container image (appc, rkt: a .aci file) to an OCI image.

    The archive is taken by `docker load`, `ctr images import`, `skopeo` and their like. Nothing of the ACI is unpacked on this
    machine. What it says and an OCI image cannot is told; an image that would not be whole is refused.

    For example:

    jeroboam image convert reduce-worker.aci

    jeroboam image convert reduce-worker.aci --name registry.example/reduce-worker:1.0 --load

    Parameters
    ----------
    aci
        The file.
    out
        Archive to write; the ACI's name with .oci.tar in this folder, if neither this nor --load is given.
    name
        Name of the image, with a tag; that of the ACI with its version if not given.
    load
        Give it to this machine's Docker.
    """
    return framed(lambda: _convert(aci, out, name, load), kept="Nothing half-made is left.")


def _convert(aci: Path, out: Path | None, name: str, load: bool) -> None:
    from .. import artifacts
    from ..artifacts.docker import docker
    from ..cli.progress import show_progress

    with ExitStack() as kept, show_progress() as progress:
        target = out or Path(f"{aci.stem}.oci.tar")
        if out is None and load:
            target = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="jeroboam-convert-"))) / target
        made = artifacts.convert_aci(aci, target, progress, machine=artifacts.architecture(), name=name)
        if load:
            asyncio.run(docker("load", "--quiet", "--input", str(target), timeout_s=_LOAD_S))
    for loss in made.losses:
        print(f"Note: {loss}", file=sys.stderr)
    print(f"{made.reference}  {'in Docker' if load and out is None else made.path}  {made.digest}")
