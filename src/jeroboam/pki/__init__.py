"""Certificate authorities, leaves, CSR signing and kubeconfigs. Bytes in, bytes out; the clock comes in as an argument."""

from .authority import client_certificate, new_authority, new_key
from .csr import ALLOWED_KEY_USAGES, SignedCert, sign_csr
from .kubeconfig import kubeconfig
from .secrets import new_cluster_secrets, pack, unpack

__all__ = [
    "ALLOWED_KEY_USAGES",
    "SignedCert",
    "client_certificate",
    "kubeconfig",
    "new_authority",
    "new_cluster_secrets",
    "new_key",
    "pack",
    "sign_csr",
    "unpack",
]
