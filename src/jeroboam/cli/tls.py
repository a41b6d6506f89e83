"""TLS of a user's access to a cluster. Python reads client keys from files only: here it is one in memory, gone at once.

The service has the same in pki/tls.py; the command line imports nothing of the service.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def client_context(ca_pem: str, cert_pem: str, key_pem: str) -> ssl.SSLContext:
    """Trusts this CA only and shows this certificate. Server names are checked."""
    context = ssl.create_default_context(cadata=ca_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with _file(f"{cert_pem}\n{key_pem}".encode()) as path:
        context.load_cert_chain(path)
    return context


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client-certificate")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:  # no Linux: a file of mode 0600
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name
