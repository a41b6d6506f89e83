"""`jeroboam openstack register` against a Keystone stand-in, over real sockets."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.keystone import Keystone

from jeroboam import config, identity
from jeroboam.admin.openstack.directory import Directory
from jeroboam.admin.openstack.lines import VARIABLE
from jeroboam.admin.openstack.wish import Wish, endpoint_urls
from jeroboam.domain.errors import IdentityUnavailable, ProviderRefused
from jeroboam.entry import build_app

pytestmark = pytest.mark.sockets
URL = "http://containers.example:9511/v1"
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
Register = Callable[..., tuple[int, str, str]]


@pytest.fixture
def register(administrator: Keystone, capsys: pytest.CaptureFixture[str]) -> Register:
    """The command as the stand-in's administrator: exit code, output, errors."""

    def call(*words: str, url: str = URL) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            build_app()(["openstack", "register", "--public-url", url, *words])
        said = capsys.readouterr()
        return int(str(ended.value.code or 0)), said.out, said.err

    return call


def changes(keystone: Keystone) -> list[str]:
    """What was asked of Keystone since the last look and was more than a question or a login."""
    asked = [call for call in keystone.mood.calls if call.split()[0] in CHANGES and call != "POST /v3/auth/tokens"]
    keystone.mood.calls.clear()
    return asked


def outcomes(out: str) -> set[str]:
    return {step["outcome"] for step in json.loads(out)["steps"]}


async def test_the_written_lines_let_the_service_validate_tokens(
    keystone: Keystone, register: Register, tmp_path: Path
) -> None:
    ini = tmp_path / "jeroboam.conf"
    code, out, err = register("--ini", str(ini))
    assert (code, err) == (0, "")
    assert stat.S_IMODE(ini.stat().st_mode) == 0o600
    read = config.read(ini, {})
    assert (read.identity.mode, read.api.public_endpoint) == ("keystone", "http://containers.example:9511")
    options = {
        name: str(value) for name, value in asdict(read.keystone_authtoken).items() if value not in (None, False)
    }
    assert len(options["password"]) == 43
    assert options["password"] not in out
    mode = identity.create("keystone", options)
    caller = await mode.authenticate({"x-auth-token": keystone.token("ada", "pass-ada", "blue")}, "192.0.2.7")
    assert caller.user_name == "ada"


def test_once_more_changes_nothing(keystone: Keystone, register: Register, tmp_path: Path) -> None:
    ini = tmp_path / "jeroboam.conf"
    assert register("--ini", str(ini))[0] == 0
    assert len(changes(keystone)) == 6  # user, grant, service, three endpoints
    before = ini.read_text()
    code, out, _ = register("--ini", str(ini), "--json")
    assert (code, outcomes(out), changes(keystone), ini.read_text()) == (0, {"kept"}, [], before)
    assert {name: value for name, value in json.loads(out).items() if name not in ("steps", "ini")} == {
        "written": False,
        "checked": True,
        "ini_file": str(ini),
        "dry_run": False,
    }


def test_a_dry_run_tells_the_same_and_does_nothing(keystone: Keystone, register: Register, tmp_path: Path) -> None:
    ini = tmp_path / "jeroboam.conf"
    code, out, _ = register("--ini", str(ini), "--dry-run")
    assert (code, changes(keystone), ini.exists()) == (0, [], False)
    assert "to make    user jeroboam of the domain Default\n" in out
    assert f"to make    endpoint public in RegionOne: {URL}\n" in out
    assert f"to write   {ini} (mode 0600)\n" in out


def test_a_service_that_moved_has_its_endpoints_changed_in_place(
    keystone: Keystone, register: Register, tmp_path: Path
) -> None:
    ini = str(tmp_path / "jeroboam.conf")
    register("--ini", ini)
    changes(keystone)
    code, out, _ = register("--ini", ini, "--internal-url", "http://10.0.0.7:9511/v1")
    assert (code, len(changes(keystone))) == (0, 1)
    assert f"changed    endpoint internal in RegionOne: http://10.0.0.7:9511/v1 (was {URL})\n" in out
    assert len(keystone.realm.tables["endpoints"]) == 6  # Keystone's own three as well


def test_the_password_of_the_environment_is_the_accounts(
    keystone: Keystone, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "first-secret")
    code, out, _ = register("--role", "admin")
    assert code == 0
    assert f"# password: in {VARIABLE}\n" in out
    monkeypatch.setenv(VARIABLE, "second-secret")
    code, out, _ = register("--role", "admin", "--json")
    assert code == 0
    assert [step["kind"] for step in json.loads(out)["steps"] if step["outcome"] == "changed"] == ["password"]
    assert keystone.realm.named("users", "jeroboam")["password"] == "second-secret"
    monkeypatch.delenv(VARIABLE)
    code, out, _ = register("--role", "admin", "--json")
    assert (code, outcomes(out), json.loads(out)["checked"]) == (0, {"kept"}, False)
    assert "# password: the one that the account has\n" in json.loads(out)["ini"]


def test_a_role_that_may_not_validate_is_told(keystone: Keystone, register: Register, tmp_path: Path) -> None:
    code, _, err = register("--ini", str(tmp_path / "jeroboam.conf"), "--role", "reader")
    assert code == 1
    assert err == (
        "Error: The role reader does not let jeroboam validate tokens in this Keystone.\n"
        "       Register again with --role admin, or change Keystone's policy identity:validate_token.\n"
    )


def test_a_new_role_and_project_are_made(keystone: Keystone, register: Register, tmp_path: Path) -> None:
    words = ("--ini", str(tmp_path / "jeroboam.conf"), "--project", "services", "--role", "validator")
    code, _, err = register(*words)
    assert (code, err.splitlines()[0]) == (
        1,
        "Error: The role validator does not let jeroboam validate tokens in this Keystone.",
    )
    assert keystone.realm.named("roles", "validator")
    assert keystone.realm.named("projects", "services")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--region", "mars"), 2, "--region: Keystone knows no region mars."),
        (("--user-domain", "mars"), 2, "--user-domain: Keystone knows no domain mars."),
        (("--cafile", "/nonexistent/ca.pem"), 2, "--cafile: /nonexistent/ca.pem is not a file."),
        (("--user", ""), 2, "--user: '' is not a name: 1 to 255 printable characters."),
        (("--os-cloud", "mars"), 2, "Who logs in to Keystone is not told: Cloud mars was not found."),
        ((), 2, "The user jeroboam is to be made and has no password."),
        (
            ("--ini", "/nonexistent/a.conf"),
            2,
            "--ini: /nonexistent/a.conf cannot be written: No such file or directory.",
        ),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_changed(
    keystone: Keystone, register: Register, words: tuple[str, ...], code: int, message: str
) -> None:
    ended, _, err = register(*words)
    assert (ended, err.splitlines()[0]) == (code, f"Error: {message}")
    assert changes(keystone) == []


def test_a_file_without_the_accounts_password_does_not_get_one(
    keystone: Keystone, register: Register, tmp_path: Path
) -> None:
    ini = tmp_path / "jeroboam.conf"
    ini.write_text("[api]\nport = 9511\n")
    code, _, err = register("--ini", str(ini))
    assert (code, err.splitlines()[0]) == (2, "Error: The user jeroboam is to be made and has no password.")
    ini.write_bytes(b"[keystone_authtoken\xff")
    assert register("--ini", str(ini))[2].startswith(f"Error: --ini: {ini} is no configuration of this service.\n")
    assert changes(keystone) == []


def test_who_is_not_an_administrator_is_told_so(
    keystone: Keystone, register: Register, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"USERNAME": "ada", "PASSWORD": "pass-ada", "PROJECT_NAME": "blue"}.items():
        monkeypatch.setenv(f"OS_{name}", value)
    code, _, err = register("--ini", str(tmp_path / "jeroboam.conf"), "--json")
    assert code == 1
    assert json.loads(err)["error"]["hint"] == "Log in as an administrator of Keystone: OS_* or --os-cloud."
    monkeypatch.setenv("OS_PASSWORD", "wrong")
    code, _, err = register("--json")
    assert code == 1
    assert json.loads(err)["error"]["message"].startswith("Keystone does not let this account log in:")
    assert changes(keystone) == []


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"OS_AUTH_URL": ""}, "Error: Who logs in to Keystone is not told: "),
        ({"OS_AUTH_TYPE": "none", "OS_ENDPOINT": "http://127.0.0.1:9"}, "Error: The login's options do not fit"),
        ({"OS_AUTH_TYPE": "no-such-plugin"}, "Error: Who logs in to Keystone is not told: "),
        ({"OS_AUTH_URL": "not an address"}, "Error: Who logs in to Keystone is not told: "),
    ],
)
def test_a_login_that_is_none_is_told(
    register: Register, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    code, out, err = register()
    assert (code in (1, 2), out, err.startswith(message), len(err.splitlines()) <= 2) == (True, "", True, True)


@pytest.mark.usefixtures("register")  # its environment
def test_a_keystone_that_fails_half_way_is_told(keystone: Keystone) -> None:
    directory = Directory(None, None)
    keystone.mood.status = 503
    with pytest.raises(IdentityUnavailable, match="Keystone does not answer: could not look for what is registered"):
        directory.look(Wish(endpoint_urls(URL, None, None)))
    keystone.mood.status = 409
    with pytest.raises(ProviderRefused, match=r"Keystone refused to look for what is registered: .*409"):
        directory.look(Wish(endpoint_urls(URL, None, None)))


def test_a_keystone_that_is_away_is_told(keystone: Keystone, register: Register) -> None:
    keystone.mood.status = 503
    code, _, err = register()
    assert (code, err.startswith("Error: Keystone does not answer: could not log in.")) == (
        1,
        True,
    )
    keystone.go_away()
    code, _, err = register()
    assert (code, err.startswith("Error: Keystone does not answer: could not log in.")) == (
        1,
        True,
    )
