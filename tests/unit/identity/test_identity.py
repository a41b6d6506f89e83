"""Who is calling, in each mode; and where a mode refuses to listen."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path

import bcrypt
import pytest

from jeroboam import identity
from jeroboam.contracts import Caller, Unauthenticated
from jeroboam.domain.errors import ConfigError, Forbidden
from jeroboam.identity import htpasswd
from jeroboam.identity.htpasswd import PasswordFile


def hashed(password: str, kind: bytes = b"2b") -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4, kind if kind != b"2y" else b"2b")).decode()


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "passwords"
    secret = hashed("s3cret:with:colons").replace("$2b$", "$2y$")  # as Apache's htpasswd writes it
    path.write_text(f"# people\n\nalice:{secret}:web:Member,reader\nroot:{hashed('r')}:admin:admin\n")
    return path


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"\[identity\] mode: 'ldap' is not known") as caught:
        identity.create("ldap", {})
    assert caught.value.hint == "Modes are: basic, keystone, none, trusted_headers."


@pytest.mark.parametrize(
    ("mode", "settings", "text"),
    [
        ("none", {"file": "x"}, "[identity] file is not an option."),
        ("basic", {}, "[identity] file is not set."),
        ("basic", {"file": "/nonexistent/x"}, "[identity] file: /nonexistent/x: No such file or directory."),
        (
            "trusted_headers",
            {"peers": "proxy.example"},
            "[identity] trusted_peers: 'proxy.example' is no address or network",
        ),
        (
            "trusted_headers",
            {"peers": "10.0.0.1, 0.0.0.0/0"},
            "[identity] trusted_peers: 0.0.0.0/0 trusts everybody.",
        ),
    ],
)
def test_wrong_settings_are_named(mode: str, settings: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        identity.create(mode, settings)
    assert caught.value.message.startswith(text)


@pytest.mark.parametrize(
    ("mode", "settings", "host", "fine"),
    [
        ("none", {}, "127.0.0.1", True),
        ("none", {}, "::1", True),
        ("none", {}, "localhost", True),
        ("none", {}, "127.8.8.8", True),
        ("none", {}, "0.0.0.0", False),
        ("none", {}, "::", False),
        ("none", {}, "", False),
        ("none", {}, "192.0.2.7", False),
        ("none", {}, "example.org", False),
        ("trusted_headers", {}, "127.0.0.1", True),
        ("trusted_headers", {}, "0.0.0.0", False),
        ("trusted_headers", {"peers": "10.0.0.5"}, "0.0.0.0", True),
    ],
)
def test_where_a_mode_listens(mode: str, settings: dict[str, str], host: str, fine: bool) -> None:
    made = identity.create(mode, settings)
    if fine:
        made.check_listen(host)
    else:
        with pytest.raises(ConfigError):
            made.check_listen(host)


@pytest.mark.parametrize(
    ("host", "fine"),
    [
        ("127.0.0.1:9511", True),
        ("localhost", True),
        ("[::1]:9511", True),
        ("evil.example:9511", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
    ],
)
async def test_mode_none_answers_only_to_names_of_this_machine(host: str, fine: bool) -> None:
    made = identity.create("none", {})
    if fine:
        caller = await made.authenticate({"host": host}, "127.0.0.1")
        assert caller == Caller("admin", "admin", frozenset({"admin", "member", "reader"}), "admin", "admin")
    else:
        with pytest.raises(Unauthenticated):
            await made.authenticate({"host": host}, "127.0.0.1")


HEADERS = {
    "x-user-id": "u",
    "x-project-id": "p",
    "x-roles": "Member, reader,",
    "x-user-name": "Ann",
    "x-user-domain-id": "d",
}


@pytest.mark.parametrize(
    ("peers", "peer", "headers", "fine"),
    [
        ("", "127.0.0.1", {}, True),
        ("", "::ffff:127.0.0.1", {}, True),
        ("", "10.0.0.5", {}, False),
        ("", "", {}, False),
        ("10.0.0.0/24, 2001:db8::1", "10.0.0.5", {}, True),
        ("10.0.0.0/24, 2001:db8::1", "2001:db8::1", {}, True),
        ("10.0.0.0/24", "127.0.0.1", {}, False),
        ("", "127.0.0.1", {"x-user-id": ""}, False),
        ("", "127.0.0.1", {"x-project-id": ""}, False),
        ("", "127.0.0.1", {"x-identity-status": "Invalid"}, False),
        ("", "127.0.0.1", {"x-identity-status": "Confirmed"}, True),
    ],
)
async def test_headers_count_from_trusted_peers_only(
    peers: str, peer: str, headers: dict[str, str], fine: bool
) -> None:
    made = identity.create("trusted_headers", {"peers": peers})
    if fine:
        caller = await made.authenticate(HEADERS | headers, peer)
        assert caller == Caller("u", "p", frozenset({"member", "reader"}), "Ann", "", "d")
    else:
        with pytest.raises(Unauthenticated):
            await made.authenticate(HEADERS | headers, peer)


@pytest.mark.parametrize("scope", [{"x-domain-id": "d"}, {"openstack-system-scope": "all"}])
async def test_who_is_of_no_project_is_known_and_refused(scope: dict[str, str]) -> None:
    made = identity.create("trusted_headers", {})
    with pytest.raises(Forbidden, match=r"^A token of a project is needed"):
        await made.authenticate({"x-user-id": "u", "x-roles": "admin"} | scope, "127.0.0.1")
    assert (await made.authenticate(HEADERS | scope, "127.0.0.1")).project_id == "p"
    with pytest.raises(Unauthenticated):
        await made.authenticate(scope, "127.0.0.1")


async def test_basic_knows_its_users(file: Path) -> None:
    made = identity.create("basic", {"file": str(file)})
    made.check_listen("0.0.0.0")
    for _ in range(2):
        caller = await made.authenticate(basic("alice", "s3cret:with:colons"), "192.0.2.1")
        assert caller == Caller("alice", "web", frozenset({"member", "reader"}), "alice", "web")
    assert (await made.authenticate(basic("root", "r"), "")).is_admin


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer x"},
        {"authorization": "Basic"},
        {"authorization": "Basic ###"},
        {"authorization": "Basic " + base64.b64encode(b"alice").decode()},
        {"authorization": "Basic " + base64.b64encode(b"\xff:x").decode()},
        basic("alice", "wrong"),
        basic("alice", ""),
        basic("nobody", "nobody"),
        basic("root", "r\0"),
        basic("root", "r" * 1000),
    ],
)
async def test_basic_refuses_everything_else(file: Path, headers: dict[str, str]) -> None:
    made = identity.create("basic", {"file": str(file)})
    with pytest.raises(Unauthenticated) as caught:
        await made.authenticate(headers, "192.0.2.1")
    assert caught.value.challenge == 'Basic realm="jeroboam"'


async def test_a_password_is_not_cut_at_72_bytes(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    path.write_text(f"long:{hashed('x' * 72)}:p:member\n")
    made = identity.create("basic", {"file": str(path)})
    assert (await made.authenticate(basic("long", "x" * 72), "")).user_id == "long"
    with pytest.raises(Unauthenticated):
        await made.authenticate(basic("long", "x" * 72 + "more"), "")


async def test_a_verified_password_is_remembered_and_a_changed_file_counts(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = identity.create("basic", {"file": str(file)})
    await made.authenticate(basic("root", "r"), "")
    calls: list[bytes] = []
    real = bcrypt.checkpw

    def counted(password: bytes, against: bytes) -> bool:
        calls.append(password)
        return real(password, against)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    await made.authenticate(basic("root", "r"), "")
    assert calls == []
    file.write_text(f"root:{hashed('other')}:admin:admin\n")
    os.utime(file, (1, 1))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 2)
    with pytest.raises(Unauthenticated):
        await made.authenticate(basic("root", "r"), "")
    assert calls == [b"r"]
    file.write_text("nonsense")  # a broken file keeps the accounts that were read before
    monkeypatch.setattr(time, "monotonic", lambda: now + 4)
    assert (await made.authenticate(basic("root", "other"), "")).user_id == "root"


GOOD = hashed("x")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a:b", "2 fields instead of 4."),
        ("a:GOOD:p:member:more", "5 fields instead of 4."),
        (":GOOD:p:member", "user or project is empty."),
        ("a:GOOD::member", "user or project is empty."),
        ("a:plain:p:member", "the second field of a is no bcrypt hash."),
        ("b:GOOD:p:member\nb:GOOD:q:member", "user b is there twice."),
    ],
)
def test_a_wrong_line_is_named_without_showing_its_hash(tmp_path: Path, line: str, text: str) -> None:
    path = tmp_path / "passwords"
    path.write_text(line.replace("GOOD", GOOD) + "\n")
    with pytest.raises(ConfigError) as caught:
        identity.create("basic", {"file": str(path)})
    assert caught.value.message.endswith(text)
    assert GOOD not in str(caught.value)
    assert GOOD not in repr(htpasswd.parse(f"a:{GOOD}:p:member", "f"))


def test_a_stranger_costs_as_much_as_the_dearest_account(tmp_path: Path) -> None:
    file = tmp_path / "users"
    hashes = [bcrypt.hashpw(b"x", bcrypt.gensalt(cost)).decode() for cost in (4, 6, 5)]
    file.write_text("".join(f"u{number}:{hashed}:p:reader\n" for number, hashed in enumerate(hashes)))
    assert PasswordFile(file).decoy() == hashes[1].encode()
    file.write_text("# nobody yet\n")
    assert bcrypt.checkpw(b"nobody", PasswordFile(file).decoy())
