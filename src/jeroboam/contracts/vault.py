"""Where keys of clusters lie that shall not lie with the database: a key store of the cloud's own."""

from __future__ import annotations

from typing import Protocol


class KeyVault(Protocol):
    """Rules every vault obeys (proved by jeroboam.testing.vault_suite): a key that was made can be opened by each process of the service
    until it is forgotten. Raises ProviderUnavailable while the vault does not answer, ConfigError for what will not pass by itself."""

    async def check(self) -> None:
        """Whether this service may use it."""
        ...

    async def make(self, cluster_uuid: str) -> tuple[str, bytes]:
        """A new key of 32 bytes for this cluster, and what it is known by: at most 64 printable ASCII characters, no secret."""
        ...

    async def open(self, ref: str) -> bytes:
        """The key of this reference. Raises ConfigError when it is not there."""
        ...

    async def forget(self, cluster_uuid: str) -> None:
        """All keys of this cluster are gone; also when there was none."""
        ...

    async def close(self) -> None: ...
