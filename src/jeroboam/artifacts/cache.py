"""The user's cache: content-addressed files, whole or absent, safe against two builds at once."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..contracts import Progress
from ..domain.errors import DeadlineExceeded, HostUnsupported
from .task import under_way

SUMS = "SHA256SUMS"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_SUM = re.compile(r"([0-9A-Fa-f]{64}) [ *](.+)")
_LOOK_S = 0.5
_RECIPE, _PUBLISHED = "recipe ", "published "


def built_by(recipe: str) -> str:
    """Origin of binaries that were built here."""
    return _RECIPE + recipe


def published_by(address: str) -> str:
    """Origin of binaries whose checksums somebody published."""
    return _PUBLISHED + address


@dataclass(frozen=True)
class Checksums:
    """A SHA256SUMS file, as sha256sum writes it; a comment in its first line says where the files came from."""

    origin: str
    files: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Checksums:
        """Raises ValueError naming the first line that is not a checksum and a name."""
        origin, files = "", {}
        for number, line in enumerate(text.splitlines(), 1):
            if number == 1 and line.startswith("#"):
                origin = line.removeprefix("#").strip()
            elif line.strip() and not line.startswith("#"):
                found = _SUM.fullmatch(line.strip())
                if found is None:
                    raise ValueError(f"line {number} of {SUMS} is not a SHA-256 and a file name: {line[:100]!r}")
                files[found[2].removeprefix("./")] = found[1].lower()
        return cls(origin, files)

    def text(self) -> str:
        return "\n".join([f"# {self.origin}", *(f"{value}  {name}" for name, value in self.files.items())]) + "\n"

    def suits(self, recipe: str) -> bool:
        """A published binary of the right version is good whichever way it came; one that we built only if by this recipe."""
        return not self.origin.startswith(_RECIPE) or self.origin == built_by(recipe)


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

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around all that is done with the cache: what the system refuses is HostUnsupported, with the place and the cure."""
        try:
            yield
        except OSError as error:
            if error.filename is None and error.errno not in _FULL:
                raise  # not about a file
            place = error.filename or self.root
            raise HostUnsupported(
                f"The cache cannot be used: {place}: {error.strerror}.",
                hint="Free some space or see who owns it, or name another place in XDG_CACHE_HOME.",
            ) from error

    def folder(self, part: str, version: str, arch: str) -> Path:
        return self.root / "bin" / part / version / arch

    def find(self, part: str, version: str, arch: str, names: tuple[str, ...], recipe: str) -> Path | None:
        """The folder when all files are there, still have their checksums, and were published or built by this recipe; else None."""
        folder = self.folder(part, version, arch)
        try:
            sums = Checksums.parse((folder / SUMS).read_text())
        except (FileNotFoundError, ValueError):
            return None
        if not sums.suits(recipe):
            return None
        whole = all((folder / name).exists() and sums.files.get(name) == digest(folder / name) for name in names)
        return folder if whole else None

    def holds(self, part: str, version: str, arch: str) -> bool:
        """Whether there is anything of it, verified or not: a quick look for estimates."""
        return (self.folder(part, version, arch) / SUMS).exists()

    def put(self, part: str, version: str, arch: str, made: Path, origin: str) -> Path:
        """Move a finished folder into its place. `origin` is built_by(recipe) or published_by(address)."""
        for file in made.iterdir():
            file.chmod(0o755)
        files = {file.name: digest(file) for file in sorted(made.iterdir())}
        (made / SUMS).write_text(Checksums(origin, files).text())
        folder = self.folder(part, version, arch)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        return folder

    def download(self, sha256: str) -> Path:
        """Where the file of this checksum is downloaded to; what is unfinished there is kept for the next run."""
        folder = self.root / "downloads"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / sha256

    @contextmanager
    def work(self, name: str) -> Iterator[Path]:
        """An empty folder for unfinished things, on the same file system; what is still in it at the end is removed."""
        path = self.root / "work" / name
        shutil.rmtree(path, ignore_errors=True)  # of a run that was killed
        path.mkdir(parents=True)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @asynccontextmanager
    async def lock(self, name: str, progress: Progress, *, what: str = "", wait_s: float = 3600) -> AsyncIterator[None]:
        """One at a time among all processes of this user. Waits, telling who holds it; the lock dies with its process.
        `what`: that which is built, for people, where the name does not say it."""
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / name).open("a+") as file:
            await _acquire(file.fileno(), what or name, progress, wait_s)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


async def _acquire(descriptor: int, what: str, progress: Progress, wait_s: float) -> None:
    if _locked(descriptor):
        return
    loop, holder = asyncio.get_running_loop(), os.pread(descriptor, 32, 0).decode() or "unknown"
    ends = loop.time() + wait_s
    with under_way(progress, f"wait for process {holder}, which builds {what}"):
        while not _locked(descriptor):
            if loop.time() > ends:
                raise DeadlineExceeded(
                    f"Process {holder} has been building {what} for over {wait_s:g} s.",
                    hint="See what it does; if it hangs, end it and try again.",
                )
            await asyncio.sleep(_LOOK_S)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
