"""A client key and the request to sign it: who holds the certificate is `admin` of the cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import BadAnswer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


@dataclass(frozen=True)
class KeyPair:
    """A fresh P-256 key and its certificate request, PEM. The key never leaves this machine."""

    csr_pem: str
    key_pem: str = field(repr=False)
    _key: EllipticCurvePrivateKey = field(repr=False)

    def check(self, cert_pem: str) -> None:
        """Raises BadAnswer unless the certificate is one for this key."""
        from cryptography import x509

        try:
            cert = x509.load_pem_x509_certificate(cert_pem.encode())
        except ValueError:
            raise BadAnswer("The service signed nothing readable.") from None
        if cert.public_key() != self._key.public_key():
            raise BadAnswer("The service signed another key than the one sent.")


def new_admin_key() -> KeyPair:
    """`CN=admin, O=system:masters`, as Magnum's client asks for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(NameOID.COMMON_NAME, "admin"),
        ]
    )
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyPair(csr.public_bytes(serialization.Encoding.PEM).decode(), pem.decode(), key)
