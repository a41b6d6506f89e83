"""Secrets of clusters under keys that lie in a vault. What the table holds is sealed twice: under the cluster's own key and, as ever,
under the key file. Neither the database with the key file nor the vault alone opens it.

Each value tells which key it is under, so that whoever was the first to write may be told by the table, and values that were kept
before there was a vault stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..contracts import KeyVault
from ..domain.errors import ConfigError, JeroboamError, ProviderUnavailable
from .shared_side import SharedSide

_MARK = b"vault\0"
_NONCE = 12
_KEYS = 1000  # that a process keeps at hand

_log = structlog.get_logger(__name__)


class Vaulted(SharedSide):
    """Of contracts.SecretStore what a vault adds, where `vault` is set before the start."""

    vault: KeyVault | None = None

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._vault_keys: dict[str, bytes] = {}  # by reference

    async def start(self) -> None:
        if self.vault is not None:
            try:
                await self.vault.check()
            except ProviderUnavailable as error:  # it is asked again when a secret is needed
                _log.warning("the vault of secrets is away", why=error.message)
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        if self.vault is not None:
            await self.vault.close()

    async def put_secrets(self, cluster_uuid: str, kept: Mapping[str, bytes]) -> Mapping[str, bytes]:
        hidden = await self._hidden(cluster_uuid, kept) if self.vault is not None and kept else kept
        return await self._shown(cluster_uuid, await super().put_secrets(cluster_uuid, hidden))

    async def get_secrets(self, cluster_uuid: str) -> Mapping[str, bytes]:
        return await self._shown(cluster_uuid, await super().get_secrets(cluster_uuid))

    async def remove_cluster(self, cluster_uuid: str, fence: int, operation_uuid: str) -> None:
        """The keys go first: a crash in between leaves rows that the next try removes. A vault that is away keeps no cluster here: its
        key opens nothing any more."""
        if self.vault is not None:
            try:
                await self.vault.forget(cluster_uuid)
            except JeroboamError as error:
                _log.warning("keys of a deleted cluster stay in the vault", cluster=cluster_uuid, why=error.message)
        elif any(_ref(value) for value in (await super().get_secrets(cluster_uuid)).values()):
            why = "[secrets] store names none any more"
            _log.warning("keys of a deleted cluster stay in the vault", cluster=cluster_uuid, why=why)
        await super().remove_cluster(cluster_uuid, fence, operation_uuid)

    async def _hidden(self, cluster_uuid: str, values: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Under the key that the cluster has, else a new one."""
        there = (_ref(value) for value in (await super().get_secrets(cluster_uuid)).values())
        ref = next((one for one in there if one), "")
        key = await self._vault_key(ref) if ref else b""
        if not ref:
            ref, key = await self._needed_vault().make(cluster_uuid)
            self._remember_key(ref, key)
        return {name: _seal(ref, key, cluster_uuid, value) for name, value in values.items()}

    async def _shown(self, cluster_uuid: str, values: Mapping[str, bytes]) -> Mapping[str, bytes]:
        shown = {}
        for name, value in values.items():
            ref = _ref(value)
            shown[name] = _open(await self._vault_key(ref), cluster_uuid, name, value) if ref else value
        return shown

    async def _vault_key(self, ref: str) -> bytes:
        if ref not in self._vault_keys:
            self._remember_key(ref, await self._needed_vault().open(ref))
        return self._vault_keys[ref]

    def _remember_key(self, ref: str, key: bytes) -> None:
        while len(self._vault_keys) >= _KEYS:
            del self._vault_keys[next(iter(self._vault_keys))]
        self._vault_keys[ref] = key

    def _needed_vault(self) -> KeyVault:
        if self.vault is None:
            raise ConfigError(
                "Secrets of clusters are under keys that lie in a vault, and none is configured.",
                hint="Set [secrets] store as it was when they were kept: barbican.",
            )
        return self.vault


def _seal(ref: str, key: bytes, owner: str, value: bytes) -> bytes:
    """Not bound to the name, which a rotation changes; the outer seal is."""
    nonce = os.urandom(_NONCE)
    return _MARK + ref.encode() + b"\0" + nonce + AESGCM(key).encrypt(nonce, value, _bound(owner))


def _open(key: bytes, owner: str, name: str, value: bytes) -> bytes:
    sealed = value[len(_MARK) :].partition(b"\0")[2]
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(owner))
    except InvalidTag as error:
        raise ConfigError(
            f"Secret {name} of {owner} does not open with the key that the vault has.",
            hint="The vault was changed: restore it.",
        ) from error


def _ref(value: bytes) -> str:
    """ "" of a value that is under no key of a vault."""
    return value[len(_MARK) :].partition(b"\0")[0].decode() if value.startswith(_MARK) else ""


def _bound(owner: str) -> bytes:
    return f"jeroboam vault\0{owner}".encode()
