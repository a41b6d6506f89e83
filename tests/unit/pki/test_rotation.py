"""The CAs of a rotation: who trusts the former alone finds the way to what the present one signed, and the other way round nobody does."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from jeroboam import pki
from jeroboam.contracts import CertificateAuthority, ClusterSecrets
from jeroboam.domain import Secret

NOW = datetime.now(UTC)
SEED = Secret(b"seed")


def secrets() -> ClusterSecrets:
    return pki.new_cluster_secrets("demo", ("join",), NOW - timedelta(days=100))


def test_a_rotation_of_cas_keeps_the_former_beside_the_new() -> None:
    old = secrets()
    new = pki.renewed(old, "demo", NOW, cas=True)
    assert sorted(new.former) == ["ca", "etcd-ca", "front-proxy-ca"]
    assert new.former["etcd-ca"].cert_pem == old.etcd_ca.cert_pem
    assert (new.tokens, new.service_account_key) == (old.tokens, old.service_account_key)
    assert pki.unpack(pki.pack(new)) == new
    assert pki.settled(new).former == {}
    assert pki.unpack(pki.pack(pki.settled(new))) == pki.settled(new)
    assert len({pki.fingerprint(one) for one in (old, new, pki.settled(new))}) == 3


def test_a_rotation_of_tokens_has_no_former() -> None:
    old = secrets()
    new = pki.renewed(old, "demo", NOW, cas=False)
    assert (new.ca, new.former) == (old.ca, {})
    assert new.tokens["join"].reveal() != old.tokens["join"].reveal()


def test_the_link_ends_with_the_former_and_signs_no_further_ca() -> None:
    old, new = (
        pki.new_authority("demo", "cluster", NOW - timedelta(days=1000)),
        pki.new_authority("demo", "cluster", NOW),
    )
    link = x509.load_pem_x509_certificate(pki.link_certificate(old, new))
    former, present = (x509.load_pem_x509_certificate(ca.cert_pem) for ca in (old, new))
    link.verify_directly_issued_by(former)
    assert link.public_key() == present.public_key()
    assert link.not_valid_after_utc == former.not_valid_after_utc
    assert link.not_valid_before_utc >= former.not_valid_before_utc
    limits = link.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (limits.critical, limits.value.ca, limits.value.path_length) == (True, True, 0)


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("trusts", "shows", "link", "well"),
    [
        ("old", "new", True, True),
        ("new", "new", True, True),
        ("old", "old", False, True),
        ("old", "new", False, False),
        ("new", "old", False, False),
    ],
)
def test_who_trusts_whom_during_a_rotation(trusts: str, shows: str, link: bool, well: bool, tmp_path: Path) -> None:
    old = pki.new_authority("demo", "cluster", NOW)
    cas = {"old": old, "new": pki.new_authority("demo", "cluster", NOW)}
    more = pki.link_certificate(old, cas["new"]) if link else b""
    cert, key = pki.derived_server_certificate(cas[shows], SEED, "node", ["127.0.0.1"])
    (tmp_path / "server.pem").write_bytes(cert + more + key.reveal())
    assert handshake(tmp_path / "server.pem", cas[trusts]) is well


def handshake(server: Path, trusted: CertificateAuthority) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def serve() -> None:
            plain, _ = listening.accept()
            with plain:
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except (ssl.SSLError, OSError):
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        client = ssl.create_default_context(cadata=trusted.cert_pem.decode())
        try:
            with socket.create_connection(listening.getsockname(), timeout=10) as plain:
                client.wrap_socket(plain, server_hostname="127.0.0.1").close()
        except ssl.SSLCertVerificationError:
            return False
        finally:
            thread.join(10)
    return True
