"""Administrator access to clusters for the conductor itself: short-lived client certificates, made when needed."""

from __future__ import annotations

from datetime import timedelta

from .. import pki
from ..contracts import Access, Clock, ClusterSecrets
from ..domain import Cluster

_LIFETIME = timedelta(hours=12)
_KEPT = 1000


class AdminAccess:
    """Implements reconcile.scope.AccessMaker. Keeps a bounded number of certificates for half their life."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, bytes], tuple[float, Access]] = {}

    def __call__(self, cluster: Cluster, secrets: ClusterSecrets, api_address: str) -> Access:
        now = self._clock.now()
        key = (cluster.uuid, secrets.ca.cert_pem)
        kept = self._kept.get(key)
        if kept and kept[0] > now.timestamp() and kept[1].api_address == api_address:
            return kept[1]
        cert, private = pki.client_certificate(secrets.ca, "jeroboam-conductor", ["system:masters"], now, _LIFETIME)
        access = Access(api_address, secrets.ca.cert_pem, cert, private)
        while len(self._kept) >= _KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = ((now + _LIFETIME / 2).timestamp(), access)
        return access
