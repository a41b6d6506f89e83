"""The vault Barbican on a small one: the suite of vaults, and what its refusals mean."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from keystoneauth1 import exceptions as faults

from jeroboam.domain.errors import ConfigError, JeroboamError, ProviderUnavailable
from jeroboam.store.barbican import Barbican
from jeroboam.testing.vault_suite import VaultSuite

ACCOUNT = {"auth_url": "http://keystone/v3", "username": "jeroboam", "password": "s3cret", "project_name": "service"}


@dataclass
class Answer:
    status_code: int
    content: bytes = b""

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Service:
    """Secrets by id. `fails` is raised or answered in place of all else."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    fails: Exception | int | bytes | None = None
    endpoint: str | None = "http://barbican:9311"

    def get_endpoint(self) -> str | None:
        return self.endpoint

    def request(
        self, path: str, method: str, *, endpoint_override: str, raise_exc: bool, log: bool, **more: Any
    ) -> Answer:
        assert not raise_exc
        assert not log  # a body is a key
        assert endpoint_override == "http://barbican:9311"
        if isinstance(self.fails, Exception):
            raise self.fails
        if isinstance(self.fails, bytes):
            return Answer(200, self.fails)
        if self.fails is not None:
            return Answer(self.fails)
        url = urlsplit(path)
        ident = url.path.removeprefix("/v1/secrets").strip("/").removesuffix("/payload")
        if method == "POST":
            ident = str(uuid4())
            self.kept[ident] = more["json"]
            return _told({"secret_ref": _href(ident)}, 201)
        if ident and ident not in self.kept:
            return Answer(404)
        if method == "DELETE":
            del self.kept[ident]
            return Answer(204)
        if ident:
            assert more["headers"] == {"Accept": "application/octet-stream"}
            return Answer(200, base64.b64decode(self.kept[ident]["payload"]))
        asked = parse_qs(url.query)
        mine = [one for one in self.kept if asked.get("name", [self.kept[one]["name"]]) == [self.kept[one]["name"]]]
        return _told({"secrets": [{"secret_ref": _href(one)} for one in mine[: int(asked["limit"][0])]]}, 200)


def _href(ident: str) -> str:
    return f"http://barbican:9311/v1/secrets/{ident}"


def _told(body: Any, status: int) -> Answer:
    return Answer(status, json.dumps(body).encode())


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def vault(service: Service) -> Barbican:
    made = Barbican(ACCOUNT)
    made._adapter = service  # type: ignore[assignment]
    return made


class TestSuite(VaultSuite):
    pass


async def test_all_keys_of_a_cluster_go_however_many_there_are(vault: Barbican, service: Service) -> None:
    for _ in range(205):
        await vault.make("cluster-1")
    await vault.forget("cluster-1")
    assert service.kept == {}


async def test_what_is_kept_says_whose_it_is(vault: Barbican, service: Service) -> None:
    await vault.make("cluster-1")
    [kept] = service.kept.values()
    assert (kept["name"], kept["algorithm"], kept["bit_length"]) == ("jeroboam-cluster-1", "aes", 256)


@pytest.mark.parametrize(
    ("fails", "kind", "said"),
    [
        (503, ProviderUnavailable, "Secrets could not be listed: Barbican answered with status 503."),
        (403, ConfigError, "Secrets could not be listed: Barbican answered with status 403."),
        (faults.ConnectFailure("refused"), ProviderUnavailable, "Barbican cannot be reached: refused"),
        (faults.Unauthorized("no"), ConfigError, "Keystone does not let the user jeroboam in."),
        (faults.EndpointNotFound(), ConfigError, "the cloud's catalogue has no Barbican (key-manager) for this login."),
    ],
)
async def test_refusals_say_what_to_do(
    vault: Barbican, service: Service, fails: Exception | int, kind: type[JeroboamError], said: str
) -> None:
    service.fails = fails
    with pytest.raises(kind) as caught:
        await vault.check()
    assert said in caught.value.message
    assert kind is ProviderUnavailable or caught.value.hint


@pytest.mark.parametrize("said", [b"<html>", b"[]", b"{}", b"7", b'{"secrets": [{}]}', b'{"secrets": ["x"]}'])
async def test_an_answer_that_is_none_of_barbicans_is_asked_for_again(
    vault: Barbican, service: Service, said: bytes
) -> None:
    """As of a proxy that has a page of its own for it."""
    service.fails = said
    for asked in (vault.make("cluster-1"), vault.open(str(uuid4())), vault.forget("cluster-1")):
        with pytest.raises(ProviderUnavailable, match="Barbican"):
            await asked


@pytest.mark.parametrize("endpoint", ["http://barbican:9311/", "http://barbican:9311/v1", "http://barbican:9311/v1/"])
async def test_a_catalogue_may_name_the_version(vault: Barbican, service: Service, endpoint: str) -> None:
    service.endpoint = endpoint
    ref, key = await vault.make("cluster-1")
    assert await vault.open(ref) == key


async def test_a_catalogue_without_barbican_is_told(vault: Barbican, service: Service) -> None:
    service.endpoint = None
    with pytest.raises(ConfigError, match="the cloud's catalogue has no Barbican"):
        await vault.check()


@pytest.mark.parametrize("change", [{"auth_url": ""}, {"auth_type": "nonsense"}])
def test_an_account_that_is_none_is_told_without_its_password(change: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"\[secrets\] store = barbican needs the account") as caught:
        Barbican({**ACCOUNT, **change})
    assert "s3cret" not in caught.value.message + caught.value.hint
