"""Where webhooks may go, and the secret that signs what is sent there."""

from __future__ import annotations

from pathlib import Path

from ..domain import Secret
from ..domain.errors import ConfigError


def secret(path: str) -> Secret | None:
    """The content of the file, white space around it cut; None when no file is named. Raises ConfigError."""
    if not path:
        return None
    try:
        found = Path(path).read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"[notifications] secret_file: {path}: {error.strerror}.") from error
    if not found:
        raise ConfigError(f"[notifications] secret_file: {path} is empty.")
    return Secret(found)
