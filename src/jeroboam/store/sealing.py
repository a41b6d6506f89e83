"""Secrets at rest: AES-256-GCM under a key-encryption key that never enters the database."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..domain.errors import ConfigError

_VERSION = b"\x01"
_NONCE = 12
_KEY = 32


class Sealer:
    """Seals bytes for one owner (a cluster's uuid) and name; sealed bytes moved to another row do not open."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY:
            raise ConfigError(f"The key-encryption key has {len(key)} bytes; it must have {_KEY}.")
        self._key = key
        self._aead = AESGCM(key)

    def seal(self, owner: str, name: str, value: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._aead.encrypt(nonce, value, _bound(owner, name))

    def open(self, owner: str, name: str, sealed: bytes) -> bytes:
        """Raises ConfigError when the key is another than the one that sealed."""
        if sealed[:1] != _VERSION:
            raise ConfigError(f"Secret {name} of {owner} has an unknown format {sealed[:1]!r}.")
        try:
            return self._aead.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _bound(owner, name))
        except InvalidTag as error:
            raise ConfigError(
                f"Secret {name} of {owner} does not open with this key-encryption key.",
                hint="Restore the key file that belongs to this database.",
            ) from error

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for a use outside the store: the same for the same words, and no way back to this one."""
        return HKDF(hashes.SHA256(), _KEY, salt=None, info=f"jeroboam\0{purpose}".encode()).derive(self._key)

    @classmethod
    def from_file(cls, path: Path) -> Sealer:
        """Read the key; make it, 0600 from birth, when there is none. Raises ConfigError for a key others can read."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            _create(path)
        except FileExistsError:
            mode = path.stat().st_mode & 0o077
            if mode:
                raise ConfigError(
                    f"The key file {path} can be read by others (mode {path.stat().st_mode & 0o777:o}).",
                    hint=f"chmod 600 {path}",
                ) from None
        return cls(path.read_bytes())


def _create(path: Path) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600 from birth
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_KEY))
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # fails when another process was first; never a half-written key
        _sync_folder(path.parent)
    finally:
        os.unlink(temporary)


def _sync_folder(folder: Path) -> None:
    """A key whose name a power loss takes away opens nothing that was sealed with it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _bound(owner: str, name: str) -> bytes:
    return f"jeroboam\0{owner}\0{name}".encode()
