"""Calls of the Docker command line: an absent or silent daemon is one clear error wherever it is met."""

from __future__ import annotations

from ..domain.errors import ArtifactUnavailable, HostUnsupported
from .process import run

_SILENT = ("cannot connect to the docker daemon", "permission denied while trying to connect", "error during connect")


async def docker(*argv: str, timeout_s: float = 120, stdin: bytes | None = None) -> str:
    """Standard output. Raises HostUnsupported without a daemon, ArtifactUnavailable with Docker's words when it says no."""
    try:
        return await run(["docker", *argv], timeout_s=timeout_s, stdin=stdin)
    except ArtifactUnavailable as error:
        words = error.message.lower()
        if "is not installed" in words:
            raise HostUnsupported("Docker is not installed.", hint="Install Docker Engine 20.10 or newer.") from error
        if any(silent in words for silent in _SILENT):
            hint = "Start the Docker daemon, or get access to it; `jeroboam doctor` looks closer."
            raise HostUnsupported("No Docker daemon answers.", hint=hint) from error
        raise
