"""A Docker context as `docker context import` takes it. Source: docker/cli, cli/context/store (tar of meta.json and tls/docker)."""

from __future__ import annotations

import json

from ... import bootstrap
from ...contracts import Access, File


def docker_context(name: str, access: Access) -> bytes:
    """A tar; same input, same bytes."""
    host = {"docker": {"Host": access.api_address, "SkipTLSVerify": False}}
    meta = {"Name": name, "Metadata": {"Description": f"Swarm {name}"}, "Endpoints": host}
    files = {
        "meta.json": json.dumps(meta).encode(),
        "tls/docker/ca.pem": access.ca_pem,
        "tls/docker/cert.pem": access.cert_pem,
        "tls/docker/key.pem": access.key_pem.reveal(),
    }
    return bootstrap.tar_of(File(path, content, 0o600) for path, content in files.items())
