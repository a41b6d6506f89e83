"""A folder for `LXD_CONF`, which makes the lxc client know one cluster. Source: LXD 5.0, lxc/config (config.yml, client.ca)."""

from __future__ import annotations

import json

from ... import bootstrap
from ...contracts import Access, File


def client_folder(name: str, access: Access) -> bytes:
    """A tar; same input, same bytes."""
    remote = {"addr": access.api_address, "auth_type": "tls", "protocol": "lxd", "public": False}
    files = {
        "config.yml": json.dumps({"default-remote": name, "remotes": {name: remote}}, indent=1).encode(),
        "client.ca": access.ca_pem,
        "client.crt": access.cert_pem,
        "client.key": access.key_pem.reveal(),
    }
    return bootstrap.tar_of(File(path, content, 0o600) for path, content in files.items())
