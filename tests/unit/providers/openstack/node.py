"""What a node of a cloud would make of its user data: its way to report, its pair of keys, and how its first boot would end when it gets
the key of it. Runs nothing of it."""

import base64
import gzip
import io
import json
import re
import tarfile
import zlib
from contextlib import suppress
from email import message_from_string
from typing import Any

import yaml
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from jeroboam import bootstrap
from jeroboam.providers.openstack import opening, report

_GZIP = b"\x1f\x8b\x08"


class Node:
    """Waits for its key. `asks` is its first report."""

    def __init__(self, user_data: str) -> None:
        parts = list(message_from_string(user_data).walk())[1:]
        hook = str(parts[0].get_payload())
        self.way: dict[str, str] = json.loads(hook.partition("<<'JEROBOAM'\n")[2].partition("\nJEROBOAM")[0])
        packed = parts[1].get_payload(decode=True)
        assert isinstance(packed, bytes)
        self.cloud_config: Any = yaml.safe_load(gzip.decompress(packed))
        self.files = {one["path"]: base64.b64decode(one["content"]) for one in self.cloud_config["write_files"]}
        self.sealed = self.files["/etc/jeroboam/node/sealed"]
        self.asks = bootstrap.marker("step", "key")
        self._pair = X25519PrivateKey.generate()
        self.key = b""  # of what was opened

    @property
    def shown(self) -> str:
        """What it gives to the metadata service."""
        return base64.b64encode(self._pair.public_key().public_bytes_raw() + self.sealed[: opening.NONCE]).decode()

    def opened(self, wrapped: str) -> dict[str, bytes] | None:
        """The files that it was given sealed, by path; None when this is not its key."""
        raw = base64.b64decode(wrapped)
        theirs, hidden = raw[: opening.PUBLIC], raw[opening.PUBLIC :]
        shared = self._pair.exchange(X25519PublicKey.from_public_bytes(theirs))
        key = opening.xor(hidden, opening.mask(shared, theirs, self._pair.public_key().public_bytes_raw()))
        if not opening.is_key(key, self.sealed):
            return None
        self.key = key
        return _files(_unsealed(key, self.sealed))

    def is_opened_by(self, seen: bytes) -> bool:
        """Whether the key stands somewhere in these bytes."""
        return any(opening.is_key(seen[at : at + 32], self.sealed) for at in range(len(seen) - 31))

    def tagged(self, server: str, text: str) -> str:
        """A report as it is signalled."""
        return report.tagged(text, server, self.sealed[: opening.NONCE].hex(), opening.report_key(self.key))

    def ends(self, wrapped: str) -> str | None:
        """Its last report: of the first command that is `false`, else that all is done. None while it waits."""
        files = self.opened(wrapped) if wrapped else None
        if files is None:
            return None
        broken = re.search(r"^run (\S+) \d+ false$", files["/etc/jeroboam/node/run"].decode(), re.MULTILINE)
        if broken:
            return bootstrap.marker("failed", broken[1], "exit code 1: ")
        return bootstrap.marker("done", "all")


def unpacked(content: bytes) -> bytes:
    """All that anybody can unpack of it: what begins as gzip does, wherever that is."""
    found = b""
    at = content.find(_GZIP)
    while at >= 0:
        with suppress(zlib.error):
            found += zlib.decompressobj(wbits=31).decompress(content[at:])
        at = content.find(_GZIP, at + 1)
    return found


def _unsealed(key: bytes, sealed: bytes) -> bytes:
    """What openssl(1) does on a real one."""
    body = sealed[opening.NONCE + opening.TAG :]
    assert body.startswith(b"Salted__")
    derived = PBKDF2HMAC(hashes.SHA256(), 48, body[8:16], 1).derive(opening.passphrase(key).encode())
    cipher = Cipher(algorithms.AES256(derived[:32]), modes.CBC(derived[32:])).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(cipher.update(body[16:]) + cipher.finalize()) + unpadder.finalize()


def _files(plain: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(plain))) as tar:
        contents = {member.name: tar.extractfile(member) for member in tar}
        return {f"/{name}": file.read() for name, file in contents.items() if file is not None}
