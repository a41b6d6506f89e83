"""Signing what tenants send. Source: shared contract of the Magnum API, section 8.2 (magnum 23, conductor/handlers/ca_conductor)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from ..contracts import CertificateAuthority
from ..domain.errors import InvalidRequest
from .authority import BACKDATED, TERM_OF_VALIDITY, load

ALLOWED_EXTENSIONS = (
    x509.KeyUsage.oid,
    x509.ExtendedKeyUsage.oid,
    x509.SubjectAlternativeName.oid,
    x509.BasicConstraints.oid,
    x509.SubjectKeyIdentifier.oid,
)
ALLOWED_KEY_USAGES = frozenset({"digital_signature", "key_encipherment", "content_commitment"})
_ALL_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


@dataclass(frozen=True)
class SignedCert:
    """A signed certificate and what is recorded of it."""

    pem: bytes
    serial: str
    subject: str
    not_after: datetime


def sign_csr(
    ca: CertificateAuthority, csr_pem: bytes, now: datetime, lifetime: timedelta = TERM_OF_VALIDITY
) -> SignedCert:
    """Sign a CSR as it stands: its subject, its key, its allowed extensions. It ends `lifetime` from now, to the second.

    Raises InvalidRequest with Magnum's words.
    """
    request = _parse(csr_pem)
    issuer, signer = load(ca)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(issuer.subject)
        .public_key(request.public_key())
        .serial_number(uuid4().int)
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
    )
    for extension in _extensions(request):
        builder = builder.add_extension(extension.value, critical=extension.critical)
    key_id = x509.SubjectKeyIdentifier.from_public_key(request.public_key())
    cert = builder.add_extension(key_id, critical=False).sign(signer, hashes.SHA256())
    pem = cert.public_bytes(serialization.Encoding.PEM)
    return SignedCert(pem, str(cert.serial_number), request.subject.rfc4514_string(), cert.not_valid_after_utc)


def _parse(csr_pem: bytes) -> x509.CertificateSigningRequest:
    wrong = InvalidRequest(f"Received invalid csr {csr_pem[:200]!r}.", field="csr")
    try:
        request = x509.load_pem_x509_csr(csr_pem)
        valid = request.is_signature_valid
        list(request.extensions)
        _ = request.subject
    except (ValueError, UnsupportedAlgorithm, InvalidSignature, TypeError) as error:
        raise wrong from error
    if not valid:
        raise wrong
    return request


def _extensions(request: x509.CertificateSigningRequest) -> list[x509.Extension[x509.ExtensionType]]:
    kept: list[x509.Extension[x509.ExtensionType]] = []
    for extension in request.extensions:
        if extension.oid not in ALLOWED_EXTENSIONS:
            if extension.critical:
                raise _refused(f"Extension '{extension.oid.dotted_string}' not allowed")
        elif extension.oid != x509.SubjectKeyIdentifier.oid:  # ours is put in its place
            kept.append(_limited(extension))
    return kept


def _limited(extension: x509.Extension[x509.ExtensionType]) -> x509.Extension[x509.ExtensionType]:
    value = extension.value
    if isinstance(value, x509.BasicConstraints) and value.ca:
        if extension.critical:
            raise _refused("Extension 'basicConstraints' not allowed: it asks for CA:TRUE")
        return x509.Extension(extension.oid, extension.critical, x509.BasicConstraints(ca=False, path_length=None))
    if isinstance(value, x509.KeyUsage):
        return x509.Extension(extension.oid, extension.critical, _usage(value, critical=extension.critical))
    return extension


def _usage(value: x509.KeyUsage, *, critical: bool) -> x509.KeyUsage:
    wanted = {name for name in _ALL_USAGES if getattr(value, name)}
    forbidden = wanted - ALLOWED_KEY_USAGES
    if forbidden and critical:
        raise _refused(f"Extension 'keyUsage' not allowed: it asks for {', '.join(sorted(forbidden))}")
    allowed = {name: name in wanted & ALLOWED_KEY_USAGES for name in _ALL_USAGES}
    return x509.KeyUsage(**allowed, encipher_only=False, decipher_only=False)


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(message, field="csr")
