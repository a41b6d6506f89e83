"""Running programs: argument lists, a deadline, and an error that holds the last lines of what they said."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..domain.errors import ArtifactUnavailable, DeadlineExceeded

_LINE_BYTES = 1_048_576


async def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Standard output. `on_line` hears each line of standard error as it comes; then there is no standard input.
    The program ends when we do, even by SIGKILL, where the system can promise that.
    Raises ArtifactUnavailable when the program is absent or fails, DeadlineExceeded when it takes too long."""
    process = await _start(argv, cwd, env, stdin is not None and on_line is None)
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await (process.communicate(stdin) if on_line is None else _listen(process, on_line))
    except (TimeoutError, asyncio.CancelledError, ValueError) as error:  # ValueError: a line without end
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if isinstance(error, asyncio.CancelledError):
            raise
        if isinstance(error, ValueError):
            raise ArtifactUnavailable(f"`{' '.join(argv[:3])}` said what cannot be read: {error}.") from error
        raise DeadlineExceeded(f"`{' '.join(argv[:3])}` did not finish within {timeout_s:g} s.") from error
    if process.returncode != 0:
        tail = "\n".join((out + err).decode(errors="replace").splitlines()[-15:])
        raise ArtifactUnavailable(f"`{' '.join(argv[:3])}` failed with exit code {process.returncode}:\n{tail}")
    return out.decode(errors="replace")


async def stream(argv: Sequence[str], sink: Callable[[bytes], None], *, timeout_s: float) -> None:
    """Give `sink` all that the program writes, in pieces, as it comes. Ends with us, and raises, as `run` does."""
    process = await _start(argv, None, None, writes=False)
    assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - both are pipes
    said = asyncio.create_task(process.stderr.read())
    try:
        async with asyncio.timeout(timeout_s):
            while piece := await process.stdout.read(_LINE_BYTES):
                sink(piece)
            error = (await said).decode(errors="replace")
            await process.wait()
    except TimeoutError as late:
        raise DeadlineExceeded(f"`{' '.join(argv[:3])}` did not finish within {timeout_s:g} s.") from late
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        said.cancel()
    if process.returncode != 0:
        tail = "\n".join(error.splitlines()[-15:])
        raise ArtifactUnavailable(f"`{' '.join(argv[:3])}` failed with exit code {process.returncode}:\n{tail}")


async def _start(
    argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, writes: bool
) -> asyncio.subprocess.Process:
    if shutil.which(argv[0]) is None:
        raise ArtifactUnavailable(f"{argv[0]} is not installed.", hint=f"Install {argv[0]}.")
    # A build that outlives a killed parent would compete with the next one.
    leash = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    return await asyncio.create_subprocess_exec(
        *leash,
        *argv,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=asyncio.subprocess.PIPE if writes else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=_LINE_BYTES,
    )


async def _listen(process: asyncio.subprocess.Process, on_line: Callable[[str], None]) -> tuple[bytes, bytes]:
    async def lines(stream: asyncio.StreamReader) -> bytes:
        kept = b""
        async for line in stream:
            kept = (kept + line)[-_LINE_BYTES:]
            on_line(line.decode(errors="replace").rstrip())
        return kept

    assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - both are pipes
    out, err = await asyncio.gather(process.stdout.read(), lines(process.stderr))
    await process.wait()
    return out, err
