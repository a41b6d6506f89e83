"""Certificate authorities, leaves, CSR signing and kubeconfigs. Bytes in, bytes out; the clock comes in as an argument."""

from .authority import TERM_OF_VALIDITY, client_certificate, link_certificate, new_authority, new_key, public_key
from .csr import ALLOWED_KEY_USAGES, SignedCert, sign_csr
from .derived import derived_client_certificate, derived_peer_certificate, derived_server_certificate
from .kubeconfig import kubeconfig
from .secrets import fingerprint, new_cluster_secrets, pack, renewed, settled, unpack
from .tls import client_context

__all__ = [
    "ALLOWED_KEY_USAGES",
    "TERM_OF_VALIDITY",
    "SignedCert",
    "client_certificate",
    "client_context",
    "derived_client_certificate",
    "derived_peer_certificate",
    "derived_server_certificate",
    "fingerprint",
    "kubeconfig",
    "link_certificate",
    "new_authority",
    "new_cluster_secrets",
    "new_key",
    "pack",
    "public_key",
    "renewed",
    "settled",
    "sign_csr",
    "unpack",
]
