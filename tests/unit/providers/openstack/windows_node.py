"""What a Windows node would make of its user data, in Python: as windows/first_boot.ps1 has it, step by step. Runs nothing of it."""

import base64
import gzip
import hashlib
import hmac
import json
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from tests.unit.providers.openstack.node import Node

_MARK = "JEROBOAM/1"


class WindowsNode:
    """Waits for its key. `asks` is its first report."""

    def __init__(self, user_data: str) -> None:
        strings = dict(re.findall(r"^\$(\w+) = @'\n(.*?)\n'@$", user_data, re.MULTILINE | re.DOTALL))
        self.way: dict[str, str] = json.loads(strings["Signal"])
        self.sealed = base64.b64decode("".join(strings["Sealed"].split()))
        self.trusted = strings["Ca"]
        self.asks = f"{_MARK} step key"
        self.key = b""  # of what was opened
        self._pair = ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self) -> bytes:
        point = self._pair.public_key().public_numbers()
        return point.x.to_bytes(32) + point.y.to_bytes(32)

    @property
    def shown(self) -> str:
        """What it gives to the metadata service."""
        return base64.b64encode(self.public + self.sealed[:16]).decode()

    def opened(self, wrapped: str) -> Any:
        """The document that it was given sealed; None when this is not its key."""
        raw = base64.b64decode(wrapped)
        assert len(raw) == 96
        theirs, hidden = raw[:64], raw[64:]
        x, y = int.from_bytes(theirs[:32]), int.from_bytes(theirs[32:])
        shared = self._pair.exchange(ec.ECDH(), ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())
        derived = _mac(hashlib.sha256(theirs + self.public).digest(), shared)
        key = bytes(a ^ b for a, b in zip(hidden, _part(derived, "jeroboam boot key"), strict=True))
        nonce, tag, body = self.sealed[:16], self.sealed[16:48], self.sealed[48:]
        if _mac(_part(key, "tag"), nonce + body) != tag:
            return None
        self.key = key
        assert body[:8] == b"Salted__"
        secret, salt = _part(key, "cipher").hex().encode(), body[8:16]
        derived = _mac(secret, salt + b"\0\0\0\1") + _mac(secret, salt + b"\0\0\0\2")
        cipher = Cipher(algorithms.AES256(derived[:32]), modes.CBC(derived[32:48])).decryptor()
        unpadder = PKCS7(128).unpadder()
        packed = unpadder.update(cipher.update(body[16:]) + cipher.finalize()) + unpadder.finalize()
        return json.loads(gzip.decompress(packed))

    def tagged(self, server: str, text: str) -> str:
        """A report as it is signalled."""
        tag = _mac(_part(self.key, "report"), f"{server} {text}".encode()).hex()
        return f"{text}\n{_MARK} tag {self.sealed[:16].hex()} {tag}"

    def ends(self, wrapped: str) -> str | None:
        """Its last report: of the first step that runs `false`, else that all is done. None while it waits."""
        document = self.opened(wrapped) if wrapped else None
        if document is None:
            return None
        broken = [step["name"] for step in document["steps"] if step["argv"] == ["false"]]
        return f"{_MARK} failed {broken[0]} exit code 1: " if broken else f"{_MARK} done all"


def node_of(user_data: str) -> Node | WindowsNode:
    """The node of a server that was given this."""
    return WindowsNode(user_data) if user_data.startswith("#ps1_sysnative\n") else Node(user_data)


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _part(key: bytes, use: str) -> bytes:
    return _mac(key, use.encode() + b"\1")
