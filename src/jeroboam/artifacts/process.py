"""Running programs: argument lists, a deadline, and an error that holds the last lines of what they said."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..domain.errors import ArtifactUnavailable, DeadlineExceeded


async def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> str:
    """Standard output. Raises ArtifactUnavailable when the program is absent or fails, DeadlineExceeded when it takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ArtifactUnavailable(f"{argv[0]} is not installed.", hint=f"Install {argv[0]}.") from error
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate(stdin)
    except (TimeoutError, asyncio.CancelledError) as error:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if isinstance(error, asyncio.CancelledError):
            raise
        raise DeadlineExceeded(f"`{' '.join(argv[:3])}` did not finish within {timeout_s:g} s.") from error
    if process.returncode != 0:
        tail = "\n".join((out + err).decode(errors="replace").splitlines()[-15:])
        raise ArtifactUnavailable(f"`{' '.join(argv[:3])}` failed with exit code {process.returncode}:\n{tail}")
    return out.decode(errors="replace")
