"""The Keystone stand-in, seen by the clients that will use it: keystoneauth, the openstack command, tempest's own provider."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from keystoneauth1 import exceptions
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from tempest.lib import auth
from tempest.lib.common.dynamic_creds import DynamicCredentialProvider
from tempest.lib.services import clients
from tests.keystone import Keystone

pytestmark = pytest.mark.sockets
MAGNUM = "http://127.0.0.1:9511/v1"


@pytest.fixture
def cloud(keystone: Keystone) -> Keystone:
    keystone.offer("container-infra", {"public": MAGNUM, "internal": MAGNUM + "/in"})
    return keystone


def _session(keystone: Keystone, password: str = "pass-ada", **scope: Any) -> Session:
    names: Any = {"username": "ada", "password": password, "user_domain_id": "default"}
    return Session(auth=v3.Password(keystone.url, **names, **scope), timeout=10)


def _access(plugin: Any) -> Any:
    return plugin.get_access(Session(timeout=10))


def _project(keystone: Keystone) -> Session:
    return _session(keystone, project_name="blue", project_domain_name="Default")


def test_a_password_gives_a_token_with_roles_and_catalogue(cloud: Keystone) -> None:
    session = _project(cloud)
    access = _access(session.auth)
    assert (access.username, access.project_name, access.user_domain_id) == ("ada", "blue", "default")
    assert sorted(access.role_names) == ["member", "reader"]
    assert session.get_endpoint(service_type="container-infra", interface="public") == MAGNUM
    assert session.get_endpoint(service_type="container-infra", interface="internal") == MAGNUM + "/in"
    assert access.will_expire_soon(3500) is False
    assert access.will_expire_soon(3700) is True


def test_wrong_passwords_and_projects_of_others_are_refused_alike(cloud: Keystone) -> None:
    for session in (_session(cloud, "pass-bob"), _session(cloud, project_name="admin", project_domain_id="default")):
        with pytest.raises(exceptions.Unauthorized, match="requires authentication"):
            session.get_token()


def test_an_application_credential_has_its_roles_only(cloud: Keystone) -> None:
    ada = cloud.realm.named("users", "ada")
    made = cloud.realm.add_credential(ada["id"], ada["default_project_id"], "robot", roles=[{"name": "reader"}])
    plugin = v3.ApplicationCredential(
        cloud.url, application_credential_id=made["id"], application_credential_secret=made["secret"]
    )
    access = _access(plugin)
    assert (access.username, access.project_name, access.role_names) == ("ada", "blue", ["reader"])
    assert (access.application_credential_id, access.application_credential["restricted"]) == (made["id"], True)


def test_scopes_of_domain_and_system_and_none(cloud: Keystone) -> None:
    names: Any = {"username": "admin", "password": "secret", "user_domain_id": "default"}
    system = _access(v3.Password(cloud.url, **names, system_scope="all"))
    assert (system.system_scoped, system.project_id) == (True, None)
    assert "admin" in system.role_names
    bare = _access(v3.Password(cloud.url, **names, unscoped=True))
    assert (bare.project_id, bare.role_names, bare.has_service_catalog()) == (None, [], False)


def _validate(cloud: Keystone, asker: str, subject: str) -> httpx.Response:
    headers = {"X-Auth-Token": asker, "X-Subject-Token": subject}
    return httpx.get(f"{cloud.url}/auth/tokens", headers=headers, timeout=10, trust_env=False)


def test_validation_counts_and_knows_what_is_over(cloud: Keystone) -> None:
    admin, ada = cloud.token("admin", "secret", "admin"), cloud.token("ada", "pass-ada", "blue")
    assert _validate(cloud, admin, ada).json()["token"]["user"]["name"] == "ada"
    assert _validate(cloud, ada, admin).status_code == 403
    assert _validate(cloud, "nobody", ada).status_code == 401
    assert cloud.mood.validations == 1
    cloud.realm.revoke(ada)
    assert _validate(cloud, admin, ada).status_code == 404


def test_it_goes_away_and_comes_back_on_its_port(cloud: Keystone) -> None:
    url = cloud.url
    cloud.go_away()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, timeout=5, trust_env=False)
    cloud.come_back()
    assert httpx.get(cloud.url, timeout=5, trust_env=False).status_code == 200
    cloud.mood.status = 503
    assert httpx.get(url, timeout=5, trust_env=False).status_code == 503


@pytest.fixture
def tempest_clients() -> Iterator[None]:
    """Tempest's clients of its own services, which its configuration registers otherwise."""
    registry = clients.ClientsRegistry()
    kept = dict(registry.get_service_clients())
    registry.register_service_client(
        "stand-in",
        [
            {
                "name": name.replace(".", "_"),
                "service_version": name,
                "module_path": clients.tempest_modules()[name].__name__,
                "client_names": clients.tempest_modules()[name].__all__,
                "service": name.split(".")[0],
            }
            for name in ("identity.v3", "network")
        ],
    )
    yield
    registry.get_service_clients().clear()
    registry.get_service_clients().update(kept)


@pytest.mark.usefixtures("tempest_clients")
def test_tempest_makes_and_removes_its_own_people(cloud: Keystone) -> None:
    admin = auth.get_credentials(
        auth_url=None,
        fill_in=False,
        identity_version="v3",
        username="admin",
        password="secret",
        user_domain_name="Default",
        project_name="admin",
        project_domain_name="Default",
        domain_name="Default",
    )
    before = set(cloud.realm.tables["users"])
    provider = DynamicCredentialProvider("v3", name="t", admin_creds=admin, admin_role="admin", identity_uri=cloud.url)
    reader = provider.get_project_reader_creds().credentials
    member = provider.get_project_member_creds().credentials
    chief = provider.get_project_admin_creds().credentials
    assert reader.project_id == member.project_id == chief.project_id
    roles = {
        who.user_id: sorted(one["name"] for one in auth.KeystoneV3AuthProvider(who, cloud.url).get_auth()[1]["roles"])
        for who in (reader, member, chief)
    }
    assert roles == {
        reader.user_id: ["reader"],
        member.user_id: ["member", "reader"],
        chief.user_id: ["admin", "manager", "member", "reader"],
    }
    provider.clear_creds()
    assert set(cloud.realm.tables["users"]) == before


@pytest.mark.timeout(240)
def test_the_openstack_command_manages_it_from_a_shell(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.keystone", "--service", MAGNUM, "--user", "bob:pw:green:reader"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout is not None
            words = " ".join(served.stdout.readline() for _ in range(3)).replace("export", "").split()
            env = {**os.environ, **dict(word.split("=", 1) for word in words), "HOME": str(tmp_path)}
            said = _openstack(env, "token", "issue", "-f", "value", "-c", "project_id")
            assert said in _openstack(env, "project", "list", "-f", "value", "-c", "ID").split()
            assert "container-infra" in _openstack(env, "catalog", "list", "-f", "value", "-c", "Type")
            _openstack(env, "project", "create", "red")
            _openstack(env, "user", "create", "--project", "red", "--password", "pw", "eve")
            _openstack(env, "role", "add", "--user", "eve", "--project", "red", "member")
            listed = ("role", "assignment", "list", "--user", "eve", "--names", "-f", "value", "-c", "Role")
            assert _openstack(env, *listed) == "member"
            env |= {"OS_USERNAME": "eve", "OS_PASSWORD": "pw", "OS_PROJECT_NAME": "red"}
            made = _openstack(env, "application", "credential", "create", "robot", "-f", "value", "-c", "Secret")
            assert len(made) > 10
        finally:
            served.send_signal(signal.SIGTERM)
            assert served.wait(20) == 0


def _openstack(env: dict[str, str], *words: str) -> str:
    program = str(Path(sys.executable).with_name("openstack"))
    done = subprocess.run([program, *words], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
