"""A user's own way into a live cluster: its address, its CA, and a certificate that the service signs for a key made here."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .credentials import new_admin_key
from .errors import CliError, Usage
from .wire import Json, segment

if TYPE_CHECKING:
    from .client import Client

COES = ("kubernetes", "swarm", "swarm-mode", "lxd")


@dataclass(frozen=True)
class Access:
    """What a client needs; no CA and no key where TLS is off."""

    name: str
    uuid: str
    coe: str
    address: str
    ca_pem: str | None = None
    cert_pem: str | None = None
    key_pem: str | None = field(default=None, repr=False)

    def pems(self) -> tuple[str, str, str]:
        """CA, certificate and key. Raises Usage where TLS is off."""
        if self.ca_pem is None or self.cert_pem is None or self.key_pem is None:
            raise Usage(f"Cluster {self.name} has no TLS.", hint=f"Its API is at {self.address}.")
        return self.ca_pem, self.cert_pem, self.key_pem


def coe_of(client: Client, cluster: Json) -> tuple[str, bool]:
    """The container tool of a cluster, and whether its API speaks TLS. Raises Usage for a tool that these commands do not know."""
    template = client.template(str(cluster["cluster_template_id"]))
    coe = str(template.get("coe"))
    if coe not in COES:
        raise Usage(f"Cluster {cluster.get('name')} runs {coe}, whose client this command does not know.")
    return coe, not template.get("tls_disabled")


def enter(client: Client, cluster: Json, coe: str, *, tls: bool) -> Access:
    """Make a key and have its certificate signed. Raises CliError when the cluster has no address yet."""
    uuid, name = str(cluster["uuid"]), str(cluster.get("name"))
    if not cluster.get("api_address"):
        raise CliError(
            f"Cluster {name} has no API address; its status is {cluster.get('status')}.",
            hint=f"Wait for it with `jeroboam cluster watch {shlex.quote(name)}`.",
        )
    address = str(cluster["api_address"])
    if not tls:
        return Access(name, uuid, coe, address)
    ca = client.get(f"v1/certificates/{segment(uuid)}").get("pem")
    return Access(name, uuid, coe, address, str(ca), *_signed(client, uuid))


def _signed(client: Client, uuid: str) -> tuple[str, str]:
    pair = new_admin_key()
    answer = client.post("v1/certificates", {"cluster_uuid": uuid, "csr": pair.csr_pem}, needs="pem")
    cert = str(answer.document["pem"])
    pair.check(cert)
    return cert, pair.key_pem
