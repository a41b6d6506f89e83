"""From an ACI to an OCI image: the manifest first, so that what cannot be served is told before anything is copied."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ...contracts import Progress
from ...domain.errors import HostUnsupported, InvalidRequest
from ..task import under_way
from . import mapping
from .archive import Limits, Reader
from .layer import write_layer
from .manifest import parse
from .oci import write_archive


@dataclass(frozen=True)
class Converted:
    """A written image: its archive, name and digest; `losses`, sentences about what an OCI image cannot say."""

    path: Path
    reference: str
    digest: str
    losses: tuple[str, ...]


def convert_aci(
    aci: Path, out: Path, progress: Progress, *, machine: str, name: str = "", limits: Limits | None = None
) -> Converted:
    """Write the archive `out`, whole or not at all; one that is there is replaced. `machine`: architecture for images that name
    none. Same ACI, same bytes. Raises InvalidRequest for what cannot be used, with its place; HostUnsupported for the disk."""
    reader = Reader(aci, limits or Limits())
    if not out.parent.is_dir():
        raise InvalidRequest(f"--out {out}: {out.parent} is no folder.", field="out", value=str(out))
    chosen = mapping.check_reference(name) if name else ""
    try:
        manifest = parse(reader.manifest())
        mapping.platform(manifest, machine)
        task = f"convert {aci.name}"
        with (
            under_way(progress, task, unit="B"),
            tempfile.TemporaryDirectory(prefix=".convert-", dir=out.parent) as work,
        ):
            asked = mapping.asked_owners(manifest.app)
            layer = write_layer(
                reader,
                Path(work) / "layer.tar",
                manifest.path_whitelist,
                asked,
                lambda more: progress.advance(task, more),
            )
            reference = chosen or mapping.reference(manifest, reader.image_id)
            config = mapping.config(manifest, machine, reader.image_id, layer.owners)
            made = Path(work) / "image.tar"
            digest = write_archive(made, reference, config, layer)
            os.replace(made, out)
    except OSError as error:
        place = error.filename or out.parent
        raise HostUnsupported(
            f"{place} cannot be used: {error.strerror or error}.", hint="Name another place by --out."
        ) from error
    return Converted(out, reference, digest, tuple(mapping.losses(manifest)))
