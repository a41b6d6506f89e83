"""A vault that ends with the process, for tests of what stands before one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from uuid import uuid4

from ..domain.errors import ConfigError, ProviderUnavailable


@dataclass
class MemoryVault:
    """Implements contracts.KeyVault. `away`: it does not answer. `opened` counts what it was asked for."""

    keys: dict[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)  # by reference, with the cluster
    away: bool = False
    opened: int = 0

    async def check(self) -> None:
        if self.away:
            raise ProviderUnavailable("The vault does not answer.", after_s=0.1)

    async def make(self, cluster_uuid: str) -> tuple[str, bytes]:
        await self.check()
        ref, key = str(uuid4()), os.urandom(32)
        self.keys[ref] = cluster_uuid, key
        return ref, key

    async def open(self, ref: str) -> bytes:
        await self.check()
        self.opened += 1
        if ref not in self.keys:
            raise ConfigError(f"The key {ref} is not in the vault.")
        return self.keys[ref][1]

    async def forget(self, cluster_uuid: str) -> None:
        await self.check()
        self.keys = {ref: kept for ref, kept in self.keys.items() if kept[0] != cluster_uuid}

    async def close(self) -> None: ...
