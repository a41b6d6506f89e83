"""`jeroboam image versions`: what can be built, by container tool. Asks neither Docker nor a service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter


def versions(*, json: Annotated[bool, Parameter(negative="", show_default=False)] = False) -> int:
    """List the versions that can be built, with their parts.

    For example:

    jeroboam image versions

    Parameters
    ----------
    json
        Print JSON.
    """
    from ..cli.output import show_json, show_table

    rows = [*_kubernetes(), *_distro()]
    if json:
        show_json([dict(zip(("coe", "version", "default", "parts"), row, strict=True)) for row in rows])
        return 0
    table = [
        (coe, version, default or "", ", ".join(f"{part} {number}" for part, number in parts.items()))
        for coe, version, default, parts in rows
    ]
    show_table(("COE", "VERSION", "DEFAULT", "PARTS"), table, nothing="")
    return 0


def _kubernetes() -> Iterator[tuple[str, str, bool, dict[str, str]]]:
    from .. import artifacts

    known = artifacts.catalogue()
    for version, release in known.kubernetes.items():
        parts = {part: release.parts[part] for part in ("etcd", "coredns", "flannel")}
        yield "kubernetes", version, version == known.default, parts | {"pause": release.pause.rpartition(":")[2]}


def _distro() -> Iterator[tuple[str, str, bool, dict[str, str]]]:
    from .. import artifacts

    for coe, tool in artifacts.catalogue().distro.items():
        for version, release in tool.versions.items():
            parts = {"debian": artifacts.SUITE}
            if release.newer is not None:
                parts |= dict.fromkeys(release.newer.packages, release.newer.suite)
            yield coe, version, version == tool.default, parts
