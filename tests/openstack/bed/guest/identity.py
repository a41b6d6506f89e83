"""Service users, roles, domains and the catalogue of the bed. Safe to run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneclient.v3 import client

import bed_settings

SERVICES = ("glance", "placement", "nova", "neutron", "heat", "barbican")
CATALOGUE = (
    ("glance", "image", ":9292"),
    ("placement", "placement", ":8778"),
    ("nova", "compute", ":8774/v2.1"),
    ("neutron", "network", ":9696"),
    ("heat", "orchestration", ":8004/v1/%(tenant_id)s"),
    ("heat-cfn", "cloudformation", ":8000/v1"),
    ("barbican", "key-manager", ":9311"),
)
_settings = bed_settings.read()
_password = _settings["PASSWORD"]


def connect() -> Any:
    url = "http://127.0.0.1:5000/v3"
    account: dict[str, Any] = {
        "username": "admin",
        "project_name": "admin",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    auth = v3.Password(auth_url=url, password=_password, **account)
    return client.Client(session=session.Session(auth=auth), endpoint_override=url)


def ensure(manager: Any, name: str, create: Callable[[], Any], **where: str) -> Any:
    found = manager.list(name=name, **where)
    return found[0] if found else create()


class Bed:
    """The objects of Keystone by name."""

    def __init__(self, keystone: Any) -> None:
        self.keystone = keystone

    def role(self, name: str) -> Any:
        return ensure(self.keystone.roles, name, lambda: self.keystone.roles.create(name))

    def project(self, name: str) -> Any:
        manager = self.keystone.projects
        return ensure(manager, name, lambda: manager.create(name, "default"), domain="default")

    def user(self, name: str, domain: Any = "default") -> Any:
        manager = self.keystone.users
        return ensure(manager, name, lambda: manager.create(name, domain=domain, password=_password), domain=domain)

    def accounts(self) -> None:
        """Those of the services, and admin and demo, whose roles let Heat and Barbican work for them."""
        grant = self.keystone.roles.grant
        for name in SERVICES:
            grant(self.role("admin"), user=self.user(name), project=self.project("service"))
        for role in (self.role("member"), self.role("heat_stack_owner"), self.role("creator")):
            grant(role, user=self.user("demo"), project=self.project("demo"))
            grant(role, user=self.user("admin"), project=self.project("admin"))
        self.role("heat_stack_user")
        domain = ensure(self.keystone.domains, "heat", lambda: self.keystone.domains.create("heat"))
        grant(self.role("admin"), user=self.user("heat_domain_admin", domain), domain=domain)

    def service(self, name: str, kind: str, url: str) -> None:
        """A service and its three endpoints."""
        service = ensure(self.keystone.services, name, lambda: self.keystone.services.create(name, type=kind))
        there = {endpoint.interface for endpoint in self.keystone.endpoints.list(service=service)}
        for interface in {"public", "internal", "admin"} - there:
            self.keystone.endpoints.create(service, url, interface=interface, region="RegionOne")


if __name__ == "__main__":
    bed = Bed(connect())
    bed.accounts()
    for name, kind, path in CATALOGUE:
        bed.service(name, kind, f"http://{_settings['API']}{path}")
    print("identity ready")
