"""Downloads over HTTP: resumed where they broke off, a few at a time, verified before anybody sees the file.

An unfinished file bears its expected checksum as name, so what a later run goes on with can only be the same file.
"""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from ..contracts import Progress
from ..domain.errors import ArtifactCorrupt, ArtifactUnavailable, HostUnsupported
from .cache import digest

_TEXT_BYTES = 1_048_576  # checksum files are a few KiB; more is something else
_PASSING = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class DownloadLimits:
    """`connect_s` until a site must answer, `silence_s` without a byte before a connection counts as cut, `total_s` for one file,
    `tries` in a row that bring nothing new, `pause_s` before the second of them, doubled for each further one."""

    connect_s: float = 3
    silence_s: float = 30
    total_s: float = 3600
    tries: int = 5
    pause_s: float = 0.5
    parallel: int = 4


class _Cut(Exception):
    """The connection broke or the site was busy: worth another try."""


class Downloads:
    """Fetches files for one build. Make it by `open_downloads`."""

    def __init__(self, client: httpx.AsyncClient, limits: DownloadLimits) -> None:
        self._client = client
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.parallel)

    async def refusal(self, address: str) -> str | None:
        """Why a site cannot be asked, or None when it answers, whatever it says."""
        host = httpx.URL(address).netloc.decode()
        try:
            async with asyncio.timeout(self._limits.connect_s):
                await self._client.head(address, follow_redirects=False)
        except TimeoutError:
            return f"{host} does not answer within {self._limits.connect_s:g} s"
        except httpx.HTTPError as error:
            return f"{host} cannot be reached ({_words(error)})"
        return None

    async def text(self, address: str) -> str:
        """A small text file. Raises ArtifactUnavailable."""
        cause = ""
        for attempt in range(self._limits.tries):
            await asyncio.sleep(self._pause(attempt))
            try:
                async with self._slots, asyncio.timeout(self._limits.silence_s), self._open(address, 0) as response:
                    return await _short(response)
            except (_Cut, httpx.RequestError, TimeoutError) as error:
                cause = _words(error)
        raise ArtifactUnavailable(f"{address} could not be read: {cause}.", hint="Try again.")

    async def file(self, address: str, target: Path, sha256: str, task: str, progress: Progress) -> Path:
        """Make `target` the file with this checksum. Raises ArtifactUnavailable, and ArtifactCorrupt once nothing is left of it."""
        async with self._slots:
            if await asyncio.to_thread(_is, target, sha256):
                return target
            part = target.with_name(target.name + ".part")
            resumed = part.exists() and part.stat().st_size > 0
            shown = _Shown(progress, task)
            try:
                await self._verified(address, part, sha256, shown, again=resumed)
            except BaseException as error:
                shown.end(note=f"stopped: {_words(error)}")
                raise
            part.replace(target)
            shown.end()
            return target

    async def _verified(self, address: str, part: Path, sha256: str, shown: _Shown, *, again: bool) -> None:
        await self._whole(address, part, shown)
        found = await asyncio.to_thread(digest, part)
        if found == sha256:
            return
        await asyncio.to_thread(part.unlink)
        if again:  # what an earlier run left may have been torn by a crash of the machine
            await self._verified(address, part, sha256, shown, again=False)
            return
        raise ArtifactCorrupt(
            f"{address} is not what was published: its SHA-256 is {found}, not {sha256}. The file was removed.",
            hint="Try again; when it stays so, tell the operator of that site, or choose another source.",
        )

    async def _whole(self, address: str, part: Path, shown: _Shown) -> None:
        """Go on until the site says that all is there."""
        failed, cause = 0, ""
        try:
            async with asyncio.timeout(self._limits.total_s):
                while failed < self._limits.tries:
                    await asyncio.sleep(self._pause(failed))
                    before = _size(part)
                    try:
                        return await self._more(address, part, shown)
                    except (_Cut, httpx.RequestError) as error:
                        failed, cause = (1 if _size(part) > before else failed + 1), _words(error)
        except TimeoutError:
            cause = f"not finished within {self._limits.total_s:g} s"
        except OSError as error:
            raise _storage(error, part) from error
        raise ArtifactUnavailable(
            f"The download of {address} broke off after {_size(part)} bytes: {cause}.",
            hint="Run it again: it goes on from there.",
        )

    async def _more(self, address: str, part: Path, shown: _Shown) -> None:
        have = _size(part)
        async with self._open(address, have) as response:
            if response.status_code == 416:  # nothing behind what we have: all is there, or it is no part of this file
                shown.begin(have, have)
                return
            start = _start(response, have)
            length = response.headers.get("content-length")
            total = start + int(length) if length and length.isdigit() else None
            shown.begin(start, total)
            with _continue(part, start) as file:
                async for chunk in response.aiter_raw():
                    file.write(chunk)
                    shown.more(len(chunk))
        if total is not None and _size(part) < total:
            raise _Cut(f"{total - _size(part)} bytes are missing")

    @asynccontextmanager
    async def _open(self, address: str, have: int) -> AsyncIterator[httpx.Response]:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        async with self._client.stream("GET", address, headers=headers) as response:
            if address.startswith("https:") and response.url.scheme != "https":
                raise ArtifactUnavailable(f"{address} leads to {response.url}, which is not encrypted.")
            if response.status_code in _PASSING:
                raise _Cut(f"the site says {response.status_code} {response.reason_phrase}")
            if response.status_code not in (200, 206) and not (have and response.status_code == 416):
                raise ArtifactUnavailable(f"{address}: {response.status_code} {response.reason_phrase}.")
            yield response

    def _pause(self, failed: int) -> float:
        return 0 if failed == 0 else self._limits.pause_s * 2.0 ** (failed - 1)


@asynccontextmanager
async def open_downloads(limits: DownloadLimits | None = None) -> AsyncIterator[Downloads]:
    """Downloads with a connection pool of their own, closed at the end. Proxies are taken from the environment."""
    used = limits or DownloadLimits()
    timeout = httpx.Timeout(used.silence_s, connect=used.connect_s)
    async with httpx.AsyncClient(timeout=timeout, follow_redirects=True) as client:
        yield Downloads(client, used)


class _Shown:
    """One file's progress in bytes: begun at the first answer, once, however often the connection breaks."""

    def __init__(self, progress: Progress, task: str) -> None:
        self._progress, self._task = progress, task
        self._begun, self._done = False, 0

    def begin(self, start: int, total: int | None) -> None:
        if not self._begun:
            self._progress.start(self._task, total=total, unit="B")
            self._begun = True
        self.more(start - self._done)

    def more(self, amount: int) -> None:
        self._done += amount
        self._progress.advance(self._task, amount)

    def end(self, note: str | None = None) -> None:
        if self._begun:
            self._progress.finish(self._task, note=note)


async def _short(response: httpx.Response) -> str:
    content = b""
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > _TEXT_BYTES:
            raise ArtifactUnavailable(f"{response.url} is longer than the {_TEXT_BYTES} bytes of a text.")
    return content.decode(errors="replace")


def _continue(part: Path, start: int) -> BinaryIO:
    file = part.open("r+b" if part.exists() else "wb")
    file.truncate(start)
    file.seek(start)
    return file


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is(path: Path, sha256: str) -> bool:
    return path.exists() and digest(path) == sha256


def _start(response: httpx.Response, have: int) -> int:
    """Where the body belongs; a site that ignores ranges sends all from the beginning."""
    if response.status_code == 200:
        return 0
    found = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    if found is None or int(found[1]) > have:
        raise _Cut(f"a part from {found[1] if found else 'nowhere'} instead of {have}")
    return int(found[1])


def _storage(error: OSError, part: Path) -> HostUnsupported:
    if error.errno == errno.ENOSPC:
        return HostUnsupported(f"The disk that holds {part.parent} is full.", hint="Free some space and run it again.")
    return HostUnsupported(f"{part} cannot be written: {error.strerror}.", hint="Check the cache folder.")


def _words(error: BaseException) -> str:
    return "interrupted" if isinstance(error, asyncio.CancelledError) else str(error) or type(error).__name__
