"""Credentials of a cluster's own, for a provider that does not act for every cluster with one login."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..domain import Cluster
from .coe import Driver
from .compute import Provider
from .rebuild import MachineRebuilder, StatefulDriver

CREDENTIAL = "credential"  # the kind of such a resource


@runtime_checkable
class ClusterCredentials(Protocol):
    """Optional; found by its methods. Rules (proved by jeroboam.testing.credential_suite): what is made carries the cluster's uuid, is
    shown by `list_resources` as CREDENTIAL, is used for the cluster's calls from then on by every process, and is revoked by
    `delete_all` when all else is gone."""

    @property
    def gives_credentials(self) -> bool:
        """Whether this installation wants them."""
        ...

    def credential_name(self, cluster_uuid: str, operation_uuid: str) -> str:
        """Of the one that this operation makes. Pure: it is in the ledger before it is made."""
        ...

    async def ensure_credential(self, cluster: Cluster, operation_uuid: str, *, renew: bool) -> str:
        """The cluster has one that works; returns its name. `renew`: it is the one of this operation, and all others are revoked.
        Again for the same operation changes nothing."""
        ...


def gives_credentials(provider: Provider) -> bool:
    """Whether clusters of this provider have credentials of their own."""
    return isinstance(provider, ClusterCredentials) and provider.gives_credentials


def why_keys_stay(driver: Driver, provider: Provider) -> str:
    """Why a rotation of credentials leaves the nodes' own secrets as they are; "" when it replaces them, too: the driver can, and nodes
    with a state are made anew around it."""
    if not driver.capabilities.rotate_credentials:
        return f"the driver {driver.name} rotates none"
    if isinstance(driver, StatefulDriver) and not isinstance(provider, MachineRebuilder):
        return f"the provider {provider.name} makes no machine anew around its state"
    return ""
