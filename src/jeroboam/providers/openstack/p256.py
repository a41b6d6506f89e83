"""The pair of a Windows node: .NET has no X25519, but P-256. Its side is windows/first_boot.ps1.

.NET Framework gives no shared secret as it is, only an HMAC of it, which is HKDF's first half. Source: .NET, ECDiffieHellman,
DeriveKeyFromHmac; RFC 5869; SEC 1, 3.3.1 (the secret is the x coordinate).
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import opening

PUBLIC = 64  # bytes: both coordinates
Public = ec.EllipticCurvePublicKey
_CURVE = ec.SECP256R1()
_UNCOMPRESSED = b"\x04"  # what X9.62 has before the coordinates


def read(raw: bytes) -> Public:
    """Raises ValueError for what is no point of the curve."""
    return Public.from_encoded_point(_CURVE, _UNCOMPRESSED + raw)


def raw(public: Public) -> bytes:
    """Both coordinates."""
    form = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return public.public_bytes(*form).removeprefix(_UNCOMPRESSED)


def masked(public: Public) -> tuple[bytes, bytes]:
    """The public key of a pair made for one message, and what hides a key on its way to the holder of this one."""
    pair = ec.generate_private_key(_CURVE)
    ours = raw(pair.public_key())
    return ours, mask(pair.exchange(ec.ECDH(), public), ours, raw(public))


def mask(shared: bytes, theirs: bytes, ours: bytes) -> bytes:
    """As `opening.mask`, with a hash of both public keys in their place: HMAC's own key stays within a block. `theirs` is the service's."""
    salt = hashlib.sha256(theirs + ours).digest()
    return opening.part(hmac.digest(salt, shared, "sha256"), b"jeroboam boot key")
