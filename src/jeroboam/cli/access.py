"""A user's own way into a live cluster: its address, its CA, and a certificate that the service signs for a key made here."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .credentials import new_admin_key
from .errors import CliError, Refused, Usage
from .wire import Json, segment

if TYPE_CHECKING:
    from .client import Client

COES = ("kubernetes", "swarm", "swarm-mode", "lxd")
SPARE_S = 600  # beyond a command's own limit: for what ends it, and for clocks of nodes that are ahead
_MOST_S = 86_400  # also of a command that may stay for days: what it has begun goes on when its certificate ends
_UNKNOWN = (404, 405)  # by a service that signs at /v1/certificates only; 405 where it lists what it signed


@dataclass(frozen=True)
class Use:
    """What a certificate is for, as `cluster certificates` shows it, and how long; None: as long as the service gives."""

    purpose: str
    valid_s: int | None = None

    @classmethod
    def of_command(cls, name: str, limit_s: float) -> Use:
        """For one run of a command that stays at most so many seconds: a little longer, and a day at most."""
        return cls(f"jeroboam {name}", int(min(limit_s + SPARE_S, _MOST_S)))


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


def enter(client: Client, cluster: Json, coe: str, use: Use, *, tls: bool) -> Access:
    """Make a key and have its certificate signed for this use. Raises CliError when the cluster has no address yet."""
    uuid, name = str(cluster["uuid"]), str(cluster.get("name"))
    if not cluster.get("api_address"):
        status, hint = str(cluster.get("status")), f"Wait for it with `jeroboam cluster watch {shlex.quote(name)}`."
        if status.endswith("_COMPLETE"):
            hint = "It was made without a floating address: its API answers in its own network only."
        raise CliError(f"Cluster {name} has no API address; its status is {status}.", hint=hint)
    address = str(cluster["api_address"])
    if not tls:
        return Access(name, uuid, coe, address)
    ca = client.get(f"v1/certificates/{segment(uuid)}").get("pem")
    return Access(name, uuid, coe, address, str(ca), *_signed(client, uuid, use))


def _signed(client: Client, uuid: str, use: Use) -> tuple[str, str]:
    pair = new_admin_key()
    wish: Json = {"csr": pair.csr_pem, "purpose": use.purpose}
    if use.valid_s is not None:
        wish["valid_s"] = use.valid_s
    try:
        answer = client.post(f"ext/v1/clusters/{segment(uuid)}/certificates", wish, needs="pem")
    except Refused as error:
        if error.status not in _UNKNOWN:
            raise
        answer = client.post("v1/certificates", {"cluster_uuid": uuid, "csr": pair.csr_pem}, needs="pem")
    cert = str(answer.document["pem"])
    pair.check(cert)
    return cert, pair.key_pem
