"""What every vault of keys must do, as tests. Subclass and give the fixture `vault`."""

from __future__ import annotations

from uuid import uuid4

import pytest

from ..contracts import KeyVault
from ..domain.errors import ConfigError


class VaultSuite:
    """Leaves nothing behind."""

    async def test_a_key_is_opened_by_its_reference(self, vault: KeyVault) -> None:
        cluster = str(uuid4())
        await vault.check()
        try:
            (one, key), (two, other) = [await vault.make(cluster) for _ in range(2)]
            assert (len(key), len(other)) == (32, 32)
            assert one != two
            assert all(ref.isascii() and ref.isprintable() and 0 < len(ref) <= 64 for ref in (one, two))
            assert (await vault.open(one), await vault.open(two)) == (key, other)
            assert key != other
        finally:
            await vault.forget(cluster)

    async def test_a_forgotten_key_opens_no_more_and_no_other_goes_with_it(self, vault: KeyVault) -> None:
        mine, theirs = str(uuid4()), str(uuid4())
        (ref, _), (kept, key) = await vault.make(mine), await vault.make(theirs)
        try:
            await vault.forget(mine)
            await vault.forget(mine)
            with pytest.raises(ConfigError, match=ref):
                await vault.open(ref)
            assert await vault.open(kept) == key
        finally:
            await vault.forget(theirs)
