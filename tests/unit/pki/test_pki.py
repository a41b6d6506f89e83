from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from jeroboam import pki
from jeroboam.domain.errors import InvalidRequest

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CA = pki.new_authority("demo", "cluster", NOW)
ADMIN = x509.Name(
    [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"), x509.NameAttribute(NameOID.COMMON_NAME, "admin")]
)


def csr(
    *extensions: tuple[x509.ExtensionType, bool], key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None
) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(ADMIN)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def usage(**wanted: bool) -> x509.KeyUsage:
    names = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


def test_a_signed_csr_keeps_its_subject_and_chains_to_the_ca() -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)  # python-magnumclient sends RSA
    signed = pki.sign_csr(CA, csr((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False), key=rsa_key), NOW)
    cert = x509.load_pem_x509_certificate(signed.pem)
    cert.verify_directly_issued_by(x509.load_pem_x509_certificate(CA.cert_pem))
    assert cert.subject == ADMIN
    assert signed.subject == "CN=admin,O=system:masters"
    assert signed.not_after == cert.not_valid_after_utc == NOW + timedelta(days=1825)
    assert cert.not_valid_before_utc == NOW - timedelta(days=1)
    assert cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value == x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.CLIENT_AUTH]
    )


def test_a_certificate_is_signed_for_as_long_as_it_is_wanted() -> None:
    late = NOW.replace(microsecond=999_999)
    signed = pki.sign_csr(CA, csr(), late, timedelta(seconds=90))
    cert = x509.load_pem_x509_certificate(signed.pem)
    assert signed.not_after == cert.not_valid_after_utc == datetime(2026, 1, 2, 3, 5, 35, tzinfo=UTC)
    assert cert.not_valid_before_utc == datetime(2026, 1, 1, 3, 4, 5, tzinfo=UTC)


def test_a_csr_without_extensions_gets_a_subject_key_identifier_and_nothing_else() -> None:
    cert = x509.load_pem_x509_certificate(pki.sign_csr(CA, csr(), NOW).pem)
    assert [e.oid._name for e in cert.extensions] == ["subjectKeyIdentifier"]


def test_a_csr_that_brings_its_own_key_identifier_is_signed() -> None:
    own = x509.SubjectKeyIdentifier(b"mine")
    cert = x509.load_pem_x509_certificate(pki.sign_csr(CA, csr((own, False)), NOW).pem)
    assert cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value != own


def test_ca_true_and_forbidden_usages_are_switched_off_where_not_critical() -> None:
    request = csr(
        (x509.BasicConstraints(True, None), False), (usage(digital_signature=True, key_cert_sign=True), False)
    )
    cert = x509.load_pem_x509_certificate(pki.sign_csr(CA, request, NOW).pem)
    assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert cert.extensions.get_extension_for_class(x509.KeyUsage).value == usage(digital_signature=True)


@pytest.mark.parametrize(
    ("extension", "message"),
    [
        (x509.BasicConstraints(True, None), "^Extension 'basicConstraints' not allowed: it asks for CA:TRUE$"),
        (usage(key_cert_sign=True), "^Extension 'keyUsage' not allowed: it asks for key_cert_sign$"),
        (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"x"), r"^Extension '1\.2\.3\.4' not allowed$"),
    ],
)
def test_what_is_forbidden_and_critical_is_refused(extension: x509.ExtensionType, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        pki.sign_csr(CA, csr((extension, True)), NOW)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda b: csr()[:60] + b)))
def test_whatever_is_no_csr_is_refused_in_magnums_words(junk: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"^Received invalid csr b") as caught:
        pki.sign_csr(CA, junk, NOW)
    assert caught.value.field == "csr"


def test_the_secrets_of_a_cluster_survive_packing_and_do_not_show_themselves() -> None:
    secrets = pki.new_cluster_secrets("x" * 200, ("join",), NOW)
    assert pki.unpack(pki.pack(secrets)) == secrets
    assert "PRIVATE" not in repr(secrets)
    subjects = [
        x509.load_pem_x509_certificate(ca.cert_pem).subject.rfc4514_string()
        for ca in (secrets.ca, secrets.etcd_ca, secrets.front_proxy_ca)
    ]
    assert subjects == [f"OU={unit},CN={'x' * 64}" for unit in ("cluster", "etcd", "front-proxy")]
    assert len(secrets.tokens["join"].reveal()) == 64


def test_a_client_certificate_and_the_kubeconfig_that_holds_it() -> None:
    cert_pem, key = pki.client_certificate(CA, "jeroboam", ["system:masters"], NOW, timedelta(hours=1))
    cert = x509.load_pem_x509_certificate(cert_pem)
    cert.verify_directly_issued_by(x509.load_pem_x509_certificate(CA.cert_pem))
    assert cert.subject.rfc4514_string() == "CN=jeroboam,O=system:masters"
    document = yaml.safe_load(pki.kubeconfig("demo", "admin", "https://127.0.0.1:1", CA.cert_pem, cert_pem, key))
    assert document["current-context"] == "demo"
    assert document["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"
