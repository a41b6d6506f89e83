"""Files that only their owner may read, replaced whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def replace(real: Path, content: bytes) -> None:
    """The whole of it or nothing: a temporary file (0600 from birth) in the same folder, on disk before it takes the name."""
    real.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    try:
        with open(handle, "wb") as file:
            _keep_owner(file.fileno(), real)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, real)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(real.parent)


def _keep_owner(handle: int, real: Path) -> None:
    with suppress(FileNotFoundError, PermissionError):
        before = real.stat()
        os.fchown(handle, before.st_uid, before.st_gid)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems cannot
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
