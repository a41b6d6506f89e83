"""Identity mode keystone against a Keystone stand-in, over real sockets."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import pytest
from tests.keystone import Keystone

from jeroboam import identity
from jeroboam.contracts import Caller, Unauthenticated
from jeroboam.domain.errors import ConfigError, Forbidden, IdentityUnavailable
from jeroboam.identity.keystone import KeystoneIdentity

pytestmark = pytest.mark.sockets


def settings(keystone: Keystone, **more: str) -> dict[str, str]:
    keystone.realm.add_user("jeroboam", "pass-jeroboam", "service", "service")
    account = {"username": "jeroboam", "password": "pass-jeroboam", "project_name": "service"}
    domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
    return {"auth_url": keystone.url, "http_connect_timeout": "2", **account, **domains, **more}


@pytest.fixture
def mode(keystone: Keystone) -> KeystoneIdentity:
    return cast(KeystoneIdentity, identity.create("keystone", settings(keystone)))


async def who(mode: KeystoneIdentity, token: str, **headers: str) -> Caller:
    return await mode.authenticate({"x-auth-token": token, **headers}, "192.0.2.7")


async def test_a_token_tells_who_it_is_and_keystone_is_asked_once(keystone: Keystone, mode: KeystoneIdentity) -> None:
    token = keystone.token("ada", "pass-ada", "blue")
    user = keystone.realm.named("users", "ada")
    ada = Caller(
        user_id=user["id"],
        project_id=user["default_project_id"],
        roles=frozenset({"member", "reader"}),
        user_name="ada",
        project_name="blue",
        domain_id="default",
    )
    assert [await who(mode, token) for _ in range(5)] == [ada] * 5
    assert await asyncio.gather(*(who(mode, keystone.token("ada", "pass-ada", "blue")) for _ in range(3))) == [ada] * 3
    assert keystone.mood.validations == 4


async def test_two_at_once_are_one_question(keystone: Keystone, mode: KeystoneIdentity) -> None:
    token = keystone.token("ada", "pass-ada", "blue")
    keystone.mood.pause_s = 0.1
    found = await asyncio.gather(*(who(mode, token) for _ in range(20)))
    assert {one.user_name for one in found} == {"ada"}
    assert keystone.mood.validations == 1


async def test_roles_come_in_lower_case(keystone: Keystone, mode: KeystoneIdentity) -> None:
    keystone.realm.add("roles", name="Auditor", domain_id=None)
    keystone.realm.add_user("olga", "pass-olga", "blue", "Auditor", "admin")
    caller = await who(mode, keystone.token("olga", "pass-olga", "blue"))
    assert caller.roles == {"admin", "manager", "member", "reader", "auditor"}


@pytest.mark.parametrize("junk", ["", "   ", "nobody", "x" * 20_000, "gAAA\x00", "t\u00f6ken", "a b"])
async def test_what_is_no_token_is_refused_with_the_way_to_keystone(
    keystone: Keystone, mode: KeystoneIdentity, junk: str
) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await who(mode, junk)
    assert caught.value.challenge == f'Keystone uri="{keystone.url}"'


async def test_headers_of_the_caller_count_for_nothing(keystone: Keystone, mode: KeystoneIdentity) -> None:
    spoofed = {"x-user-id": "root", "x-project-id": "all", "x-roles": "admin", "x-identity-status": "Confirmed"}
    with pytest.raises(Unauthenticated):
        await mode.authenticate(spoofed, "127.0.0.1")
    caller = await who(mode, keystone.token("ada", "pass-ada", "blue"), **spoofed)
    assert (caller.user_name, sorted(caller.roles)) == ("ada", ["member", "reader"])


async def test_refused_tokens_are_remembered_too(keystone: Keystone, mode: KeystoneIdentity) -> None:
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await who(mode, "gAAAAnobody")
    assert keystone.mood.validations == 1


async def test_a_token_is_never_believed_beyond_its_end(keystone: Keystone, mode: KeystoneIdentity) -> None:
    keystone.realm.token_life = timedelta(seconds=2)
    token = keystone.token("ada", "pass-ada", "blue")
    assert (await who(mode, token)).user_name == "ada"
    await asyncio.sleep(2.1)
    with pytest.raises(Unauthenticated):
        await who(mode, token)


async def test_a_revoked_token_is_refused_when_the_cache_lets_go(keystone: Keystone) -> None:
    given = settings(keystone, token_cache_time="1")
    mode = cast(KeystoneIdentity, identity.create("keystone", given))
    token = keystone.token("ada", "pass-ada", "blue")
    await who(mode, token)
    keystone.realm.revoke(token)
    assert (await who(mode, token)).user_name == "ada"
    await asyncio.sleep(1.1)
    with pytest.raises(Unauthenticated):
        await who(mode, token)


async def test_while_keystone_is_away_known_tokens_work_and_others_have_to_wait(
    keystone: Keystone, mode: KeystoneIdentity
) -> None:
    known, other = (keystone.token("ada", "pass-ada", "blue") for _ in range(2))
    await who(mode, known)
    keystone.go_away()
    assert (await who(mode, known)).user_name == "ada"
    with pytest.raises(IdentityUnavailable, match="temporarily unavailable"):
        await who(mode, other)
    keystone.come_back()
    keystone.mood.status = 503
    with pytest.raises(IdentityUnavailable):
        await who(mode, other)
    keystone.mood.status = None
    assert (await who(mode, other)).user_name == "ada"


async def test_a_keystone_that_hangs_is_waited_for_in_vain_but_not_for_long(
    keystone: Keystone, mode: KeystoneIdentity
) -> None:
    token = keystone.token("ada", "pass-ada", "blue")
    keystone.mood.pause_s = 30
    started = asyncio.get_running_loop().time()
    with pytest.raises(IdentityUnavailable):
        await who(mode, token)
    assert asyncio.get_running_loop().time() - started < 6
    keystone.mood.pause_s = 0


async def test_an_account_that_keystone_does_not_know_is_our_trouble_not_the_callers(keystone: Keystone) -> None:
    given = {**settings(keystone), "password": "wrong-word"}
    mode = cast(KeystoneIdentity, identity.create("keystone", given))
    with pytest.raises(IdentityUnavailable) as caught:
        await who(mode, keystone.token("ada", "pass-ada", "blue"))
    assert "wrong-word" not in repr(caught.value)


async def test_tokens_of_no_project_are_told_what_is_missing(keystone: Keystone, mode: KeystoneIdentity) -> None:
    bare = keystone.token("ada", "pass-ada")
    for _ in range(2):
        with pytest.raises(Forbidden, match="A token of a project is needed"):
            await who(mode, bare)
    assert keystone.mood.validations == 1


async def test_whether_a_project_exists(keystone: Keystone, mode: KeystoneIdentity) -> None:
    blue = keystone.realm.named("projects", "blue")["id"]
    assert await mode.project_exists(blue) is True  # our account may not look, and says so in the log
    keystone.realm.add_user("chief", "pass-chief", "service", "admin")
    given = settings_of_chief(keystone)
    admin = cast(KeystoneIdentity, identity.create("keystone", given))
    assert [await admin.project_exists(one) for one in (blue, "nothing", "../users", "", "x" * 65)] == [
        True,
        False,
        False,
        False,
        False,
    ]
    keystone.go_away()
    with pytest.raises(IdentityUnavailable):
        await admin.project_exists(blue)


def settings_of_chief(keystone: Keystone) -> dict[str, str]:
    account = {"username": "chief", "password": "pass-chief", "project_name": "service"}
    domains = {"user_domain_id": "default", "project_domain_id": "default"}
    return {"auth_url": keystone.url, "http_connect_timeout": "2", **account, **domains}


async def test_an_application_credential_may_be_the_account(keystone: Keystone) -> None:
    user = keystone.realm.add_user("robot", "pass-robot", "service", "service")
    made = keystone.realm.add_credential(user["id"], user["default_project_id"], "jeroboam")
    account = {"application_credential_id": made["id"], "application_credential_secret": made["secret"]}
    given = {"auth_url": keystone.url, "auth_type": "v3applicationcredential", **account}
    mode = cast(KeystoneIdentity, identity.create("keystone", given))
    assert (await who(mode, keystone.token("ada", "pass-ada", "blue"))).user_name == "ada"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "[keystone_authtoken] auth_url is not set."),
        ({"auth_url": "http://127.0.0.1:1/v3", "auth_host": "x"}, "[keystone_authtoken] auth_host is not an option."),
        (
            {"auth_url": "http://127.0.0.1:1/v3", "auth_type": "magic"},
            "[keystone_authtoken] auth_type = magic is not known.",
        ),
    ],
)
def test_wrong_settings_are_named(given: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        identity.create("keystone", given)
    assert caught.value.message == text
