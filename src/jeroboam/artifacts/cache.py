"""The user's cache: content-addressed files, whole or absent, safe against two builds at once."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..contracts import Progress
from ..domain.errors import DeadlineExceeded


def default_cache() -> Path:
    """$XDG_CACHE_HOME/jeroboam, else ~/.cache/jeroboam."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jeroboam"


def digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Cache:
    """Binaries by part, version and architecture; each folder is renamed into place when it is whole, with its checksums."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, part: str, version: str, arch: str) -> Path:
        return self.root / "bin" / part / version / arch

    def find(self, part: str, version: str, arch: str, names: tuple[str, ...], recipe: str) -> Path | None:
        """The folder when all files are there, were made by this recipe and still have their checksums; else None."""
        folder = self.folder(part, version, arch)
        sums = folder / "SHA256SUMS"
        if not sums.exists():
            return None
        lines = sums.read_text().splitlines()
        if not lines or lines[0] != f"# recipe {recipe}":
            return None
        kept = {name: value for value, name in (line.split("  ", 1) for line in lines[1:])}
        whole = all((folder / name).exists() and kept.get(name) == digest(folder / name) for name in names)
        return folder if whole else None

    def put(self, part: str, version: str, arch: str, made: Path, recipe: str) -> Path:
        """Move a finished folder into its place."""
        lines = [f"# recipe {recipe}"] + [f"{digest(file)}  {file.name}" for file in sorted(made.iterdir())]
        (made / "SHA256SUMS").write_text("\n".join(lines) + "\n")
        folder = self.folder(part, version, arch)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        return folder

    def work(self, name: str) -> Path:
        """An empty folder for unfinished things, on the same file system."""
        path = self.root / "work" / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    @asynccontextmanager
    async def lock(self, name: str, progress: Progress, *, wait_s: float = 3600) -> AsyncIterator[None]:
        """One at a time among all processes of this user. Waits, telling who holds it; the lock dies with its process."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / f"{name}.lock").open("a+") as file:
            await _acquire(file.fileno(), name, progress, wait_s)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


async def _acquire(descriptor: int, name: str, progress: Progress, wait_s: float) -> None:
    loop = asyncio.get_running_loop()
    ends, told = loop.time() + wait_s, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode() or "unknown"
            if loop.time() > ends:
                raise DeadlineExceeded(f"Process {holder} has been building {name} for over {wait_s:g} s.") from None
            if not told:
                progress.start(f"wait for process {holder}, which builds {name}")
                told = True
            await asyncio.sleep(0.5)
            continue
        if told:
            progress.finish(f"wait for process {holder}, which builds {name}")
        return
