"""Keys of first boots: what a machine boots with is sealed, and its key goes to that machine alone. The node's side is opening.py.

No key is kept: each follows from one of the service, the machine's name and a random word that stands with what was sealed. That a
first boot is done is kept at the server, by a mark that only the service can make.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from ...bootstrap.console import clean
from ...domain.errors import JeroboamError
from . import opening, p256, report
from .nova import Nova, Server
from .tags import BOOTED

Public = X25519PublicKey | p256.Public

_TAGGED = re.compile(rf"\n{report.TAG} ([0-9a-f]{{{2 * opening.NONCE}}}) ([0-9a-f]{{64}})$")
_SEALED = re.compile(rf"{report.MARK} (step|failed) {opening.STEP}\b.*")  # what a node says that has no key yet
_ASKS = f"{report.MARK} step {opening.STEP}"
# A machine may say it so long: a boot that was cut off waits anew, and clocks differ.
_YOUNG = timedelta(seconds=opening.WAIT_S) + timedelta(minutes=20)
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

    def of_cluster(self, cluster_uuid: str, use: str) -> bytes:
        """A key that this cluster's nodes share for one use."""
        return self._of(cluster_uuid, "", use.encode())

    def sealer(self, cluster_uuid: str, name: str) -> Callable[[bytes], bytes]:
        """Seals one boot of this machine."""
        nonce = os.urandom(opening.NONCE)
        return lambda plain: seal(self._of(cluster_uuid, name, nonce), nonce, plain)

    def is_due(self, server: Server, said: str) -> bool:
        """Whether the node may wait for its key, and nothing was done for it just now. Where others speak in its name, it may."""
        asks = said == NOT_ITS or said.startswith(_ASKS)
        return asks and _is_young(server) and time.monotonic() >= self._next.get(server.id, 0.0)

    async def give(self, project_id: str, server: Server) -> None:
        """Wrap the key for the public one that the server has shown, which only the server itself can have done; nothing while it has
        shown none. Who calls knows that the server is the machine of its name. Raises ProviderUnavailable."""
        shown = _shown(await self._nova.password(project_id, server.id))
        if shown is None:
            self._rest(server, _NOTHING_S)
            return
        public, nonce = shown
        wrapped = wrap(self._of(server.cluster_uuid, server.name, nonce), public)
        await self._nova.mark(project_id, server.id, {opening.KEY_MARK: wrapped})
        self._rest(server, _AGAIN_S)

    def heard(self, server: Server, said: str) -> str:
        """The report without its tag, if the node of this server wrote it: others can signal in its name."""
        tag = _TAGGED.search(said)
        if tag is None:
            may_be = not said or (_is_young(server) and _is_sealed(said))
            return said.encode(errors="replace").decode() if may_be else NOT_ITS
        text, word = said[: tag.start()], tag[1]
        key = opening.report_key(self._of(server.cluster_uuid, server.name, bytes.fromhex(word)))
        wanted = report.tagged(text, server.id, word, key)
        return text if hmac.compare_digest(report.encoded(wanted), report.encoded(said)) else NOT_ITS

    def has_booted(self, server: Server) -> bool:
        """Whether it bears the mark of `remember`. No signal takes that back, not even an older one of its own, told again."""
        return hmac.compare_digest(report.encoded(server.booted), self._booted(server).encode())

    async def remember(self, project_id: str, server: Server) -> None:
        """Mark a server whose node has told that its first boot is done. The boot does not fail with it: the next process that
        hears so tries again."""
        with suppress(JeroboamError):
            await self._nova.mark(project_id, server.id, {BOOTED: self._booted(server)})

    def _booted(self, server: Server) -> str:
        """Nobody else can make it, and it is no other server's."""
        return self._of(server.cluster_uuid, server.name, f"booted {server.id}".encode()).hex()

    def _rest(self, server: Server, seconds: float) -> None:
        now = time.monotonic()
        self._next = {key: then for key, then in self._next.items() if then > now} | {server.id: now + seconds}

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


def wrap(key: bytes, public: Public) -> str:
    """For the holder of this pair alone, in 88 characters; in 128 for a node of Windows."""
    if isinstance(public, X25519PublicKey):
        pair = X25519PrivateKey.generate()
        ours = pair.public_key().public_bytes_raw()
        mask = opening.mask(pair.exchange(public), ours, public.public_bytes_raw())
    else:
        ours, mask = p256.masked(public)
    return base64.b64encode(ours + opening.xor(key, mask)).decode()


def _shown(password: str) -> tuple[Public, bytes] | None:
    """What the node gave to the metadata service: its public key, and the word beside what it was given sealed. None while there is
    nothing, or a key that no secret can be shared with."""
    try:
        raw = base64.b64decode(password, validate=True)
        if len(raw) == p256.PUBLIC + opening.NONCE:
            return p256.read(raw[: p256.PUBLIC]), raw[p256.PUBLIC :]
        public, nonce = X25519PublicKey.from_public_bytes(raw[: opening.PUBLIC]), raw[opening.PUBLIC :]
        X25519PrivateKey.generate().exchange(public)
    except ValueError:  # binascii.Error is one
        return None
    return (public, nonce) if len(nonce) == opening.NONCE else None


def _is_young(server: Server) -> bool:
    """Whether its node may still be without the key of its first boot."""
    return server.began_at is None or datetime.now(UTC) - server.began_at < _YOUNG


def _is_sealed(said: str) -> bool:
    """Whether a node says so that has no key yet. It is one line, however lines are told apart."""
    lines = clean(said).splitlines()
    return len(lines) == 1 and _SEALED.fullmatch(lines[0]) is not None
