"""What becomes of a baked node image that is to be a file: its tree is wrapped up in containers, and comes out whole, with its record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..contracts import Progress
from .bake import RUNTIMES_LABEL
from .base import ensure_base
from .cache import Cache
from .cloud_form import Wrapping, tree_script
from .cloud_part import give_name, writing
from .cloud_record import CloudImage, write_record
from .held import VERSION_LABELS
from .oven import Oven, open_bench
from .task import under_way

_GIB = 1 << 30
_ROOM = 1.5  # what a disk has beside the image, at least: logs, and the tools' state
# At the end of each script: the bytes of the file, and those of the disk that is in it.
_SIZES = """
[ -s /bake/out/inside ] || stat -c %s /bake/out/image >/bake/out/inside
echo "$(stat -c %s /bake/out/image) $(cat /bake/out/inside)"
"""


@dataclass(frozen=True)
class CloudWish:
    """Which image. `version` as the tool's people write it, `runtimes` of the catalogue, for Kubernetes; `output` None: a name of
    its own in this folder. `format` and `server_type` fit each other."""

    coe: str
    format: str
    server_type: str
    version: str | None = None
    runtimes: tuple[str, ...] = ()
    output: Path | None = None

    def path(self, version: str) -> Path:
        """Where it goes."""
        name = "-".join(("jeroboam", self.coe, version, *self.runtimes, self.server_type))
        return self.output or Path(f"{name}.{self.format}")


class ToFile:
    """Implements oven.Keep, once: the bytes go into `part`, which lies beside the file and gets its name when it is whole."""

    def __init__(
        self, wish: CloudWish, wrapped: Wrapping, recipe: str, part: BinaryIO, cache: Cache, shown: Progress
    ) -> None:
        self._wish, self._wrapped, self._recipe = wish, wrapped, recipe
        self._part, self._cache, self._shown = part, cache, shown
        self._made: tuple[Path, CloudImage] | None = None

    def result(self) -> tuple[Path, CloudImage]:
        """The file and its record."""
        assert self._made is not None  # noqa: S101 - the oven was kept
        return self._made

    async def __call__(self, oven: Oven, labels: Mapping[str, str]) -> None:
        tools = oven.image
        if self._wrapped.tools:
            tools = await ensure_base(self._cache, self._shown, self._wrapped.tools, least=())
        task = f"{self._wish.format} for {self._wish.server_type}"
        with under_way(self._shown, task, total=2, unit="steps"):
            self._shown.advance(task, 0, note="the tree of files")
            await oven.run(tree_script(), timeout_s=1200)
            self._shown.advance(task, note="wrapped up")
            async with open_bench(oven, tools) as bench:
                said = await bench.run(self._wrapped.text() + _SIZES, timeout_s=1800)
                self._shown.advance(task)
                size, inside = (int(word) for word in said.split()[-2:])
                await self._write(bench, size, inside, labels)

    async def _write(self, bench: Oven, size: int, inside: int, labels: Mapping[str, str]) -> None:
        version = next(labels[name] for name in VERSION_LABELS if name in labels)
        path = self._wish.path(version)
        with under_way(self._shown, path.name, total=size, unit="B"):
            sha256 = await self._copy(bench, path)
        record = CloudImage(
            file=path.name,
            coe=self._wish.coe,
            version=version,
            format=self._wish.format,
            server_type=self._wish.server_type,
            size=self._part.tell(),
            min_disk_gib=_min_disk_gib(inside),
            sha256=sha256,
            recipe=self._recipe,
            properties=_properties(self._wish, version, labels, self._recipe),
        )
        with writing(path):
            give_name(self._part, path)
            write_record(path, record)
        self._made = path, record

    async def _copy(self, bench: Oven, path: Path) -> str:
        """The file's SHA-256. Blocks of zeros become holes."""
        sum_, file = hashlib.sha256(), self._part

        def take(piece: bytes) -> None:
            sum_.update(piece)
            with writing(path):
                if piece.count(0) == len(piece):
                    file.seek(len(piece), 1)
                else:
                    file.write(piece)
            self._shown.advance(path.name, len(piece))

        await bench.read("/bake/out/image", take)
        with writing(path):
            file.truncate()
        return sum_.hexdigest()


def _min_disk_gib(inside: int) -> int:
    return -int(-(inside + _ROOM * _GIB) // _GIB)


def _properties(wish: CloudWish, version: str, labels: Mapping[str, str], recipe: str) -> dict[str, str]:
    """Of Glance: what templates and drivers look at, and what tells an operator which image this is."""
    told = {name: labels[name] for name in ("os_distro", *VERSION_LABELS, RUNTIMES_LABEL) if name in labels}
    return told | {
        "os_type": "linux",
        "magnum_driver": wish.coe,
        "jeroboam_coe": wish.coe,
        "jeroboam_version": version,
        "jeroboam_server_type": wish.server_type,
        "jeroboam_recipe": recipe,
    }
