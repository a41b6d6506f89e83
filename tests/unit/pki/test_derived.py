"""Certificates that follow from a seed."""

import ssl
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from jeroboam import pki
from jeroboam.domain import Secret

CA = pki.new_authority("demo", "cluster", datetime.now(UTC))
SEED = Secret(b"s" * 64)


def test_same_seed_and_name_same_bytes_and_any_other_input_another_key() -> None:
    first = pki.derived_client_certificate(CA, SEED, "node-0", ["nodes"])
    assert first == pki.derived_client_certificate(CA, SEED, "node-0", ["nodes"])
    others = [
        pki.derived_client_certificate(CA, SEED, "node-1", ["nodes"]),
        pki.derived_client_certificate(CA, SEED, "node-0", ["masters"]),
        pki.derived_client_certificate(CA, Secret(b"t" * 64), "node-0", ["nodes"]),
    ]
    keys = {key.reveal() for _, key in [first, *others]}
    serials = {x509.load_pem_x509_certificate(cert).serial_number for cert, _ in [first, *others]}
    assert (len(keys), len(serials)) == (4, 4)


def test_it_lives_as_long_as_its_authority_and_belongs_to_its_key() -> None:
    cert_pem, key_pem = pki.derived_client_certificate(CA, SEED, "node-0", ["nodes"])
    cert, ca = x509.load_pem_x509_certificate(cert_pem), x509.load_pem_x509_certificate(CA.cert_pem)
    cert.verify_directly_issued_by(ca)
    assert cert.not_valid_after_utc == ca.not_valid_after_utc
    assert load_pem_private_key(key_pem.reveal(), None).public_key() == cert.public_key()
    assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_tls_context_takes_the_key_from_memory() -> None:
    context = pki.client_context(CA.cert_pem, *pki.derived_client_certificate(CA, SEED, "node-0", ["nodes"]))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert [ca["subject"][0][0] for ca in context.get_ca_certs()] == [("commonName", "demo")]
