"""What the real door to a cloud writes to the log, with a Keystone of canned answers behind the library."""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter
from tests.unit.providers.openstack.worlds import KEY, SETTINGS

from jeroboam.providers.openstack.credentials import Credentials
from jeroboam.providers.openstack.session import KeystoneRest
from jeroboam.providers.openstack.settings import CredentialKind
from jeroboam.testing import builders

USER = "9a" * 16


class Canned(BaseAdapter):
    """Keystone as far as a credential takes it. `asked` are the bodies of what was asked, `answered` those of the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.answered: list[str] = []

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> requests.Response:
        asked = request.body
        self.asked.append(asked.decode() if isinstance(asked, bytes) else str(asked or ""))
        path = str(request.path_url).partition("?")[0]
        status, body = self._answer(request, path)
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = status, request, str(request.url)
        answer._content = json.dumps(body).encode()
        answer.headers["Content-Type"] = "application/json"
        if path == "/v3/auth/tokens":
            answer.headers["X-Subject-Token"] = "a-token"
        self.answered.append(answer.text)
        return answer

    def _answer(self, request: requests.PreparedRequest, path: str) -> tuple[int, Mapping[str, Any]]:
        if path == "/v3/auth/tokens":
            user = {"id": USER, "name": "jeroboam", "domain": {"id": "default", "name": "Default"}}
            times = {"issued_at": "2020-01-01T00:00:00.000000Z", "expires_at": "2999-01-01T00:00:00.000000Z"}
            return 201, {"token": {"user": user, "methods": ["password"], **times}}
        assert path == f"/v3/users/{USER}/application_credentials"
        if request.method == "GET":
            return 200, {"application_credentials": []}
        return 201, {"application_credential": {"id": "c1", **json.loads(self.asked[-1])["application_credential"]}}

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def canned() -> Canned:
    return Canned()


@pytest.fixture
def rest(canned: Canned) -> Iterator[KeystoneRest]:
    rest = KeystoneRest(SETTINGS)
    rest._session.session.mount("http://", canned)
    yield rest
    rest._threads.shutdown()


async def test_what_a_credential_is_made_with_is_in_no_log(
    rest: KeystoneRest, canned: Canned, caplog: pytest.LogCaptureFixture
) -> None:
    credentials = Credentials(rest, CredentialKind.RULES)
    credentials.use(KEY)
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "keystoneauth"):
        await credentials.ensure(builders.cluster(), "jeroboam-x", renew=False)
        logging.getLogger("keystoneauth.session").debug("is heard")
    secret = json.loads(canned.asked[-1])["application_credential"]["secret"]
    assert len(secret) == 64
    assert secret in canned.answered[-1]
    assert "is heard" in caplog.text
    assert secret not in caplog.text
    assert SETTINGS.password.reveal().decode() not in caplog.text
