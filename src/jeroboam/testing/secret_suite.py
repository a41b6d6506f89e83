"""What every store of secrets must do, as tests. Subclass and give the fixture `secret_store`, in which no cluster has any."""

from __future__ import annotations

from uuid import uuid4

from ..contracts import SecretStore

_VALUES = {"ca.key": b"-----BEGIN PRIVATE KEY-----\n", "token": bytes(range(256)), "empty": b""}


class SecretSuite:
    """Of contracts.SecretStore."""

    async def test_what_is_kept_is_what_was_given(self, secret_store: SecretStore) -> None:
        cluster = str(uuid4())
        assert dict(await secret_store.get_secrets(cluster)) == {}
        assert dict(await secret_store.put_secrets(cluster, _VALUES)) == _VALUES
        assert dict(await secret_store.get_secrets(cluster)) == _VALUES

    async def test_the_first_writer_wins_and_the_second_is_told(self, secret_store: SecretStore) -> None:
        cluster = str(uuid4())
        await secret_store.put_secrets(cluster, {"token": b"first"})
        kept = await secret_store.put_secrets(cluster, {"token": b"second", "more": b"added"})
        assert dict(kept) == {"token": b"first", "more": b"added"}
        assert dict(await secret_store.get_secrets(cluster)) == dict(kept)

    async def test_clusters_have_their_own(self, secret_store: SecretStore) -> None:
        mine, theirs = str(uuid4()), str(uuid4())
        await secret_store.put_secrets(mine, {"token": b"mine"})
        await secret_store.put_secrets(theirs, {"token": b"theirs"})
        assert dict(await secret_store.get_secrets(mine)) == {"token": b"mine"}

    async def test_nothing_to_keep_is_a_look(self, secret_store: SecretStore) -> None:
        cluster = str(uuid4())
        assert dict(await secret_store.put_secrets(cluster, {})) == {}
        await secret_store.put_secrets(cluster, {"token": b"there"})
        assert dict(await secret_store.put_secrets(cluster, {})) == {"token": b"there"}
