"""The real door to a cloud, with a stand-in for what sends."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from keystoneauth1 import exceptions as faults
from tests.unit.providers.openstack.worlds import SETTINGS

from jeroboam.domain.errors import JeroboamError, ProviderUnavailable
from jeroboam.providers.openstack.rest import HEAT, NEUTRON
from jeroboam.providers.openstack.session import KeystoneRest, Login


class Door(KeystoneRest):
    """Answers with a status, or raises."""

    def __init__(self, said: int | Exception) -> None:
        super().__init__(SETTINGS)
        self.said = said
        self.forgotten = 0

    def _endpoint(self, login: Login, service: str) -> str | None:
        return "http://heat/v1"

    def _user(self, project_id: str) -> Any:
        return self

    def invalidate(self) -> None:
        self.forgotten += 1

    def _adapter(self, login: Login, service: str, endpoint: str) -> Any:
        return self

    def request(self, *_: object, **__: object) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return SimpleNamespace(status_code=self.said, headers={}, text="", json=dict)


@pytest.mark.parametrize(
    ("service", "status", "forgotten"),
    [(HEAT, 200, 0), (HEAT, 404, 0), (HEAT, 500, 1), (HEAT, 503, 0), (NEUTRON, 500, 0), (NEUTRON, 503, 0)],
)
async def test_heat_that_errs_may_know_our_token_no_more(service: str, status: int, forgotten: int) -> None:
    """It answers so for a token that was revoked, for as long as its own cache says that it counts. Others answer 401, and what is
    overloaded would have Keystone overloaded, too."""
    door = Door(status)
    assert (await door.call("project-1", service, "POST", "/stacks")).status == status
    assert door.forgotten == forgotten
    await door.close()


@pytest.mark.parametrize(
    ("raised", "kind", "said", "hint"),
    [
        (faults.ConnectTimeout("Request to http://heat timed out"), ProviderUnavailable,
         "The cloud did not answer within 30 s: Request to http://heat timed out", "It is overloaded"),
        (faults.ConnectFailure("Unable to establish connection to http://heat"), ProviderUnavailable,
         "The cloud cannot be reached: Unable to establish connection to http://heat", "Look at that service"),
    ],
)  # fmt: skip
async def test_what_the_library_raises_is_told_with_the_next_move(
    raised: Exception, kind: type[JeroboamError], said: str, hint: str
) -> None:
    door = Door(raised)
    with pytest.raises(kind) as caught:
        await door.call("project-1", HEAT, "POST", "/stacks")
    assert caught.value.message == said
    assert caught.value.hint.startswith(hint)
    await door.close()


async def test_a_call_that_waits_for_a_thread_too_long_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(200)
    monkeypatch.setattr(asyncio, "timeout", lambda _: _Late())
    with pytest.raises(ProviderUnavailable, match=f"The cloud did not answer within 60 s: POST of the service {HEAT}"):
        await door.call("project-1", HEAT, "POST", "/stacks")
    await door.close()


class _Late:
    async def __aenter__(self) -> None:
        raise TimeoutError

    async def __aexit__(self, *_: object) -> None:
        """Never entered."""
