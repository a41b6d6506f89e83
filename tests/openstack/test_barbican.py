"""Keys of clusters in a real Barbican: the suite of vaults, and a store whose secrets are under them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jeroboam.contracts import SystemClock
from jeroboam.domain.errors import ConfigError
from jeroboam.store import Sealer, SqlStore
from jeroboam.store.barbican import Barbican
from jeroboam.testing.secret_suite import SecretSuite
from jeroboam.testing.vault_suite import VaultSuite

from .testbed import Account, Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]


def account(bed: Bed, who: Account, **changes: str) -> dict[str, str]:
    """As in [keystone_authtoken]."""
    return {"auth_url": bed.auth_url, "interface": "public", "region_name": bed.region, **who.auth, **changes}


@pytest.fixture
async def vault(openstack_bed: Bed) -> AsyncIterator[Barbican]:
    """In the name of demo, which has the role creator in its project."""
    made = Barbican(account(openstack_bed, openstack_bed.demo))
    yield made
    await made.close()


class TestVault(VaultSuite):
    pass


class TestSecrets(SecretSuite):
    """The keys are forgotten at the end, as none of these clusters is."""

    @pytest.fixture
    async def secret_store(self, vault: Barbican, openstack_bed: Bed, tmp_path: Path) -> AsyncIterator[SqlStore]:
        store = SqlStore(f"sqlite:///{tmp_path}/store.sqlite", Sealer(b"k" * 32), SystemClock())
        store.vault = vault
        barbican = openstack_bed.connect(openstack_bed.demo).key_manager
        before = {one.id for one in barbican.secrets()}
        await store.start()
        yield store
        await store.stop()
        for one in list(barbican.secrets()):
            if one.id not in before:
                _delete(barbican, one)


def _delete(barbican: Any, secret: Any) -> None:
    barbican.delete(f"/secrets/{secret.id.rpartition('/')[2]}").raise_for_status()


async def test_an_account_without_the_role_is_told_which(openstack_bed: Bed) -> None:
    keystone = openstack_bed.connect(openstack_bed.admin).identity
    project = keystone.find_project("demo")
    user = keystone.create_user(name="jeroboam-reader", password=openstack_bed.password)
    keystone.assign_project_role_to_user(project, user, keystone.find_role("member"))
    try:
        vault = Barbican(account(openstack_bed, openstack_bed.demo, username="jeroboam-reader"))
        with pytest.raises(ConfigError) as caught:
            await vault.make("cluster-1")
        assert "status 403" in caught.value.message
        assert "role `creator`" in caught.value.hint
        await vault.close()
    finally:
        keystone.delete_user(user)


async def test_a_wrong_password_is_told_without_it(openstack_bed: Bed) -> None:
    vault = Barbican(account(openstack_bed, openstack_bed.demo, password="wr0ng"))
    with pytest.raises(ConfigError, match="Keystone does not let the user demo in") as caught:
        await vault.check()
    assert "wr0ng" not in f"{caught.value.message} {caught.value.hint}"
    await vault.close()
