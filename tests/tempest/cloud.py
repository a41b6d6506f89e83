"""A cloud for tempest on this machine: `jeroboam serve` in identity mode keystone, the Keystone stand-in, and key pairs."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from tests.e2e.world import Service, sweep
from tests.keystone import Keystone, Realm

from . import compute

_PASSWORD = "pass-tempest"
_SERVICE = "pass-jeroboam"
KEYPAIR = "tempest"
PEOPLE = {
    "plain": (("root", "root", "admin"), ("ada", "blue", "member"), ("bob", "green", "member")),
    "rbac": tuple(
        (f"{role}-{number}", f"red-{number}", role) for number in range(4) for role in ("admin", "member", "reader")
    ),
}
"""User, project, role. The three of a project are for one class of tests: not every class gives its people back."""


@dataclass(frozen=True)
class Cloud:
    """What runs, and tempest.conf for it."""

    service: Service
    keystone: Keystone

    def options(self, people: str, accounts: Path, *, image: str, flavor: str) -> Mapping[str, Mapping[str, object]]:
        """The people are there before (pre-provisioned credentials): the tests delete people that tempest makes for them while they
        still need them. Of a cloud there is nothing but Magnum and key pairs. Writes `accounts`."""
        accounts.touch(0o600)
        accounts.write_text(yaml.safe_dump([_account(*one) for one in PEOPLE[people]]))
        absent = dict.fromkeys(("neutron", "glance", "cinder", "swift", "horizon"), "False")
        return {
            "auth": {
                "use_dynamic_credentials": False,
                "test_accounts_file": accounts,
                "default_credentials_domain_name": "Default",
                "admin_domain_name": "Default",
            },
            "identity": {"uri_v3": self.keystone.url, "auth_version": "v3", "region": "RegionOne"},
            "service_available": {**absent, "nova": True, "magnum": True},
            "enforce_scope": {"magnum": True},
            "magnum": {
                "image_id": image,
                "flavor_id": flavor,
                "master_flavor_id": flavor,
                "nic_id": "public",
                "keypair_name": KEYPAIR,
                "network_driver": "flannel",
                "cluster_creation_timeout": 15,
                "cluster_delete_timeout": 5,
            },
        }


@contextmanager
def running(folder: Path, settings: str) -> Iterator[Cloud]:
    """`settings` are lines of jeroboam.conf: the provider and its groups. Clusters that failed tests left behind are removed."""
    realm = Realm()
    realm.add_user("jeroboam", _SERVICE, "service", "admin")
    for user, project, role in (one for group in PEOPLE.values() for one in group):
        realm.add_user(user, _PASSWORD, project, role)
    service = Service(folder / "data")
    with compute.serving() as nova, Keystone({"compute": nova}, realm=realm) as keystone:
        keystone.offer("container-infra", dict.fromkeys(("public", "internal", "admin"), f"{service.url}/v1"))
        config = folder / "jeroboam.conf"
        config.touch(0o600)
        config.write_text(
            f"[api]\nport = {service.port}\n[database]\nconnection = sqlite:///{service.folder}/jeroboam.sqlite\n"
            f"[identity]\nmode = keystone\n[keystone_authtoken]\nauth_url = {keystone.url}\nusername = jeroboam\n"
            f"password = {_SERVICE}\nproject_name = service\nuser_domain_name = Default\nproject_domain_name = Default\n"
            f"[conductor]\nheartbeat_s = 1\n{settings}"
        )
        service.argv = ["serve", "--config", str(config)]
        service.start()
        try:
            yield Cloud(service, keystone)
        finally:
            service.stop()
            _sweep(service.folder / "jeroboam.sqlite")
    assert service.process is not None
    assert service.process.returncode == 0, service.log
    assert "Traceback" not in service.log
    assert not [secret for secret in (_PASSWORD, _SERVICE) if secret in service.log]


def _account(user: str, project: str, role: str) -> Mapping[str, object]:
    return {"username": user, "project_name": project, "password": _PASSWORD, "roles": [role]}


def _sweep(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        left = [uuid for (uuid,) in connection.execute("SELECT uuid FROM clusters")]
    connection.close()
    if shutil.which("docker"):
        for cluster in left:
            sweep(cluster)
