"""Leaves that are the same each time they are asked for: key, serial and signature follow from a seed and a name.

A node's first boot must be the same bytes after a crash, and a node should hold no right but its own: so each gets a
certificate of its own instead of a join token, and nothing of it needs to be stored. Source: RFC 5869 (HKDF), RFC 6979.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..contracts import CertificateAuthority
from ..domain import Secret
from .authority import authority_id, client_usage, load

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_WIDE = 48  # bytes: 128 bits more than the order, so that the remainder is as good as uniform (FIPS 186-5, A.2.1)


def derived_client_certificate(
    ca: CertificateAuthority, seed: Secret, cn: str, organizations: Sequence[str]
) -> tuple[bytes, Secret]:
    """A client certificate and its key, PEM, valid as long as its CA. Pure: same CA, seed and names, same bytes."""
    return _derived(ca, seed, "client", cn, organizations, (ExtendedKeyUsageOID.CLIENT_AUTH,), ())


def derived_server_certificate(
    ca: CertificateAuthority, seed: Secret, cn: str, addresses: Sequence[str]
) -> tuple[bytes, Secret]:
    """A server certificate for these host names and IP addresses, likewise."""
    return _derived(ca, seed, "server", cn, (), (ExtendedKeyUsageOID.SERVER_AUTH,), addresses)


def derived_peer_certificate(
    ca: CertificateAuthority, seed: Secret, cn: str, organizations: Sequence[str], addresses: Sequence[str] = ()
) -> tuple[bytes, Secret]:
    """For both ends of a connection between nodes, likewise."""
    usages = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)
    return _derived(ca, seed, "peer", cn, organizations, usages, addresses)


def _derived(
    ca: CertificateAuthority,
    seed: Secret,
    kind: str,
    cn: str,
    organizations: Sequence[str],
    usages: Sequence[x509.ObjectIdentifier],
    addresses: Sequence[str],
) -> tuple[bytes, Secret]:
    issuer, signer = load(ca)
    info = f"{kind}/{cn}/{'/'.join((*organizations, *addresses))}"
    key = ec.derive_private_key(_number(seed, f"key/{info}", _WIDE) % (_P256_ORDER - 1) + 1, ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, cn)]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(_number(seed, f"serial/{info}", 16))
        .not_valid_before(issuer.not_valid_before_utc)
        .not_valid_after(issuer.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(client_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(authority_id(issuer), critical=False)
    )
    if addresses:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(a) for a in addresses]), False)
    cert = builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=True)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return cert.public_bytes(serialization.Encoding.PEM), Secret(pem)


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _number(seed: Secret, info: str, length: int) -> int:
    okm = HKDF(hashes.SHA256(), length, salt=None, info=info.encode()).derive(seed.reveal())
    return int.from_bytes(okm, "big")
