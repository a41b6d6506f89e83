"""Keys of first boots: what a machine boots with is sealed, and its key goes to that machine alone. The node's side is opening.py.

No key is kept: each follows from one of the service, the machine's name and a random word that stands with what was sealed.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from ...contracts import Machine
from . import opening, report
from .nova import Nova

_ASKED = re.compile(rf" step {opening.STEP} ([0-9a-f]{{{2 * opening.NONCE}}})$")
_TAGGED = re.compile(rf"\n{report.TAG} ([0-9a-f]{{{2 * opening.NONCE}}}) ([0-9a-f]{{64}})$")
_SEALED = re.compile(rf"{report.MARK} (step|failed) {opening.STEP}\b.*")  # what a node says that has no key yet
NOT_ITS = "(a report that this node did not write)"
_AGAIN_S = 20.0  # longer than Nova's metadata service keeps what it has told (15 s)
_NOTHING_S = 2.0  # the server has shown nothing yet


class BootKeys:
    """Seals, and hands keys out. Until `use` it has a key of its own, which ends with the process."""

    def __init__(self, nova: Nova) -> None:
        self._nova = nova
        self._key = os.urandom(32)
        self._next: dict[str, float] = {}  # by server: when it is looked at again

    def use(self, key: bytes) -> None:
        self._key = key

    def sealer(self, cluster_uuid: str, name: str) -> Callable[[bytes], bytes]:
        """Seals one boot of this machine."""
        nonce = os.urandom(opening.NONCE)
        return lambda plain: seal(self._of(cluster_uuid, name, nonce), nonce, plain)

    async def give(self, project_id: str, machine: Machine, said: str) -> None:
        """When the last word of the node is that it waits for its key: wrap it for the public key that the server has shown, which
        only the server itself can have done. Raises ProviderUnavailable."""
        asked = _ASKED.search(said.rstrip())
        if asked is None:
            self._next.pop(machine.id, None)
            return
        if time.monotonic() < self._next.get(machine.id, 0.0):
            return
        public = _public(await self._nova.password(project_id, machine.id))
        if public is None:
            self._next[machine.id] = time.monotonic() + _NOTHING_S
            return
        wrapped = wrap(self._of(machine.cluster_uuid, machine.name, bytes.fromhex(asked[1])), public)
        await self._nova.mark(project_id, machine.id, {opening.KEY_MARK: wrapped})
        self._next[machine.id] = time.monotonic() + _AGAIN_S

    def heard(self, machine: Machine, said: str) -> str:
        """The report without its tag, if the node of this server wrote it: others can signal in its name."""
        tag = _TAGGED.search(said)
        if tag is None:
            return said.encode(errors="replace").decode() if not said or _SEALED.fullmatch(said) else NOT_ITS
        text, word = said[: tag.start()], tag[1]
        key = opening.report_key(self._of(machine.cluster_uuid, machine.name, bytes.fromhex(word)))
        wanted = report.tagged(text, machine.id, word, key)
        return text if hmac.compare_digest(report.encoded(wanted), report.encoded(said)) else NOT_ITS

    def _of(self, cluster_uuid: str, name: str, nonce: bytes) -> bytes:
        info = f"openstack boot\0{cluster_uuid}\0{name}".encode()
        return HKDF(hashes.SHA256(), 32, salt=nonce, info=info).derive(self._key)


def seal(key: bytes, nonce: bytes, plain: bytes) -> bytes:
    """As opening.py opens it: the nonce, an HMAC of all the rest, and what `openssl enc -aes-256-cbc -pbkdf2 -iter 1` writes; its
    passphrase is 256 random bits. Source: OpenSSL 3 openssl-enc(1); the format begins with `Salted__` and the salt."""
    salt = os.urandom(8)
    derived = PBKDF2HMAC(hashes.SHA256(), 48, salt, 1).derive(opening.passphrase(key).encode())
    cipher = Cipher(algorithms.AES256(derived[:32]), modes.CBC(derived[32:])).encryptor()
    padder = padding.PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    body = b"Salted__" + salt + cipher.update(padded) + cipher.finalize()
    return nonce + hmac.digest(opening.part(key, b"tag"), nonce + body, "sha256") + body


def wrap(key: bytes, public: X25519PublicKey) -> str:
    """For the holder of this pair alone, in 88 characters."""
    pair = X25519PrivateKey.generate()
    ours = pair.public_key().public_bytes_raw()
    hidden = opening.xor(key, opening.mask(pair.exchange(public), ours, public.public_bytes_raw()))
    return base64.b64encode(ours + hidden).decode()


def _public(shown: str) -> X25519PublicKey | None:
    """None while the server has shown no public key, or one that no secret can be shared with."""
    try:
        public = X25519PublicKey.from_public_bytes(base64.b64decode(shown, validate=True))
        X25519PrivateKey.generate().exchange(public)
    except ValueError:  # binascii.Error is one
        return None
    return public
