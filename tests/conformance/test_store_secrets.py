"""Secrets in the table alone, and under keys in a vault: the same promises, and what a vault adds."""

import asyncio

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs
from tests.conformance.store_use import KEY, add, plain_engine

from jeroboam.contracts import StatusChange, SystemClock
from jeroboam.domain import OperationState
from jeroboam.domain.errors import ConfigError, ProviderUnavailable
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing.memory_vault import MemoryVault
from jeroboam.testing.secret_suite import SecretSuite
from jeroboam.testing.vault_suite import VaultSuite


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def vaulted(store: SqlStore, vault: MemoryVault) -> SqlStore:
    store.vault = vault
    return store


class TestTheTable(SecretSuite):
    @pytest.fixture
    def secret_store(self, store: SqlStore) -> SqlStore:
        return store


class TestUnderAVault(SecretSuite):
    @pytest.fixture
    def secret_store(self, vaulted: SqlStore) -> SqlStore:
        return vaulted


class TestMemoryVault(VaultSuite):
    pass


async def test_the_table_and_the_key_file_open_nothing_without_the_vault(
    vaulted: SqlStore, vault: MemoryVault, url: str
) -> None:
    cluster, _ = await add(vaulted)
    await vaulted.put_secrets(cluster, {"token": b"a secret word"})
    with plain_engine(url).connect() as plain:
        sealed = plain.execute(sa.text("SELECT sealed FROM secrets")).scalar_one()
    outer = Sealer(KEY).open(cluster, "token", bytes(sealed))
    assert b"a secret word" not in outer
    vault.keys.clear()
    other = SqlStore(url, Sealer(KEY), SystemClock())
    other.vault = vault
    with pytest.raises(ConfigError, match="is not in the vault"):
        await other.get_secrets(cluster)
    other.vault = None
    with pytest.raises(ConfigError, match="under keys that lie in a vault, and none is configured"):
        await other.get_secrets(cluster)
    await other.stop()


async def test_a_cluster_has_one_key_which_a_process_asks_for_once(vaulted: SqlStore, vault: MemoryVault) -> None:
    cluster, _ = await add(vaulted)
    await vaulted.put_secrets(cluster, {"one": b"1"})
    await vaulted.put_secrets(cluster, {"two": b"2"})
    await vaulted.get_secrets(cluster)
    assert (len(vault.keys), vault.opened) == (1, 0)


async def test_two_processes_that_are_first_at_once_agree(vaulted: SqlStore, vault: MemoryVault, url: str) -> None:
    cluster, _ = await add(vaulted)
    other = SqlStore(url, Sealer(KEY), SystemClock())
    other.vault = vault
    names = [f"name-{number}" for number in range(8)]
    kept = await asyncio.gather(
        vaulted.put_secrets(cluster, dict.fromkeys(names, b"here")),
        other.put_secrets(cluster, dict.fromkeys(names, b"there")),
    )
    seen = await vaulted.get_secrets(cluster)
    assert dict(await other.get_secrets(cluster)) == dict(seen)
    assert sorted(seen) == names
    assert dict(seen) in [dict(one) for one in kept]
    await other.stop()


async def test_a_rotation_takes_the_new_ones_whatever_they_are_under(vaulted: SqlStore, vault: MemoryVault) -> None:
    vaulted.vault = None  # kept before there was a vault
    cluster, operation = await add(vaulted)
    await vaulted.put_secrets(cluster, {"token": b"old"})
    vaulted.vault = vault
    assert dict(await vaulted.get_secrets(cluster)) == {"token": b"old"}
    begun = await vaulted.begin_operation(operation)
    assert begun is not None
    await vaulted.put_secrets(cluster, {f"next/{operation}/token": b"new"})
    change = StatusChange(new_secrets=f"next/{operation}/")
    await vaulted.finish_operation(operation, begun[1], OperationState.SUCCEEDED, change=change)
    assert dict(await vaulted.get_secrets(cluster)) == {"token": b"new"}
    assert len(vault.keys) == 1


@pytest.mark.parametrize("away", [False, True])
async def test_keys_go_with_their_cluster_and_a_vault_that_is_away_keeps_none(
    vaulted: SqlStore, vault: MemoryVault, *, away: bool
) -> None:
    (cluster, operation), (other, _) = await add(vaulted), await add(vaulted)
    for one in (cluster, other):
        await vaulted.put_secrets(one, {"token": b"t"})
    begun = await vaulted.begin_operation(operation)
    assert begun is not None
    vault.away = away
    await vaulted.remove_cluster(cluster, begun[1], operation)
    owners = [owner for owner, _ in vault.keys.values()]
    assert owners == [cluster, other] if away else owners == [other]
    vault.away = False
    assert dict(await vaulted.get_secrets(cluster)) == {}
    assert dict(await vaulted.get_secrets(other)) == {"token": b"t"}


@pytest.mark.parametrize("under", [True, False])
async def test_a_deletion_without_the_vault_that_has_the_key_tells_the_operator(
    vaulted: SqlStore, vault: MemoryVault, *, under: bool
) -> None:
    """As of a cluster from before `[secrets] store` was set back."""
    cluster, operation = await add(vaulted)
    if not under:
        vaulted.vault = None
    await vaulted.put_secrets(cluster, {"token": b"t"})
    vaulted.vault = None
    begun = await vaulted.begin_operation(operation)
    assert begun is not None
    with capture_logs() as logs:
        await vaulted.remove_cluster(cluster, begun[1], operation)
    told = [line["cluster"] for line in logs if line["event"] == "keys of a deleted cluster stay in the vault"]
    assert (told, len(vault.keys)) == (([cluster], 1) if under else ([], 0))
    assert dict(await vaulted.get_secrets(cluster)) == {}


async def test_a_vault_that_is_away_is_waited_for(vaulted: SqlStore, vault: MemoryVault) -> None:
    cluster, _ = await add(vaulted)
    vault.away = True
    with pytest.raises(ProviderUnavailable, match="The vault does not answer"):
        await vaulted.put_secrets(cluster, {"token": b"t"})
    vault.away = False
    assert dict(await vaulted.put_secrets(cluster, {"token": b"t"})) == {"token": b"t"}
