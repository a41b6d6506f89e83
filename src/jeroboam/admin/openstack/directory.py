"""Keystone, asked and changed as its administrator through openstacksdk. What the SDK raises is translated in `faults`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...domain.errors import ConfigError, ProviderRefused
from .faults import asking
from .login import connect
from .plan import Endpoint, Found, Kind, Outcome, Service, Step
from .wish import SERVICE_TYPE, Wish

_ANSWERS_WITHIN_S = 30


class Directory:
    """One login. Every method raises IdentityUnavailable (no answer; try again), ProviderRefused or ConfigError."""

    def __init__(self, cloud: str | None, cafile: Path | None) -> None:
        """Who logs in is told by clouds.yaml (`cloud` names an entry) or the variables OS_*, as for `openstack`."""
        self._cloud: Any = connect(cloud, cafile)
        self._keystone: Any = self._cloud.identity
        self._user_domain = self._project_domain = ""  # ids; `look` finds them

    @property
    def auth_url(self) -> str:
        """The address by which we log in."""
        return str(self._cloud.config.auth["auth_url"])

    @property
    def interface(self) -> str:
        """Which of the addresses in the catalogue the administrator uses."""
        return str(self._cloud.config.get_interface() or "public")

    @property
    def cafile(self) -> str:
        """The CAs by which Keystone was checked; empty for the system's."""
        checked_by = self._cloud.session.verify
        return checked_by if isinstance(checked_by, str) else ""

    def public_url(self) -> str:
        """Keystone's own public address."""
        with asking("look into the catalogue"):
            found = self._cloud.session.get_endpoint(service_type="identity", interface="public")
        return str(found or self.auth_url)

    def look(self, wish: Wish) -> Found:
        """All that the wish touches."""
        keystone = self._keystone
        with asking("look for what is registered"):
            regions = tuple(sorted(region.id for region in keystone.regions()))
            self._user_domain = self._domain(wish.user_domain, "--user-domain")
            self._project_domain = self._domain(wish.project_domain, "--project-domain")
            user = next(keystone.users(name=wish.user, domain_id=self._user_domain), None)
            project = next(keystone.projects(name=wish.project, domain_id=self._project_domain), None)
            role = next((role for role in keystone.roles(name=wish.role) if not role.domain_id), None)
            granted = bool(user and project and role) and keystone.validate_user_has_project_role(project, user, role)
            services = tuple(self._services())
        logs_in = self._logs_in(user.id, wish) if user and user.is_enabled and wish.password else None
        return Found(
            regions=regions,
            user_id=user and user.id,
            user_enabled=bool(user is None or user.is_enabled),
            logs_in=logs_in,
            project_id=project and project.id,
            role_id=role and role.id,
            granted=bool(granted),
            services=services,
        )

    def carry_out(self, step: Step, wish: Wish, region: str, ids: dict[Kind, str]) -> str:
        """One step that makes or changes something; `ids` has what the steps before it made or found. The id of what it is about."""
        keystone = self._keystone
        with asking(f"have the {step.kind} {step.what} {step.outcome}"):
            match step.kind, step.outcome:
                case Kind.PROJECT, _:
                    return str(keystone.create_project(name=wish.project, domain_id=self._project_domain).id)
                case Kind.USER, _:
                    return str(keystone.create_user(name=wish.user, domain_id=self._user_domain, **_password(wish)).id)
                case Kind.PASSWORD, _:
                    keystone.update_user(step.target, **_password(wish))
                case Kind.ROLE, _:
                    return str(keystone.create_role(name=wish.role).id)
                case Kind.GRANT, _:
                    keystone.assign_project_role_to_user(ids[Kind.PROJECT], ids[Kind.USER], ids[Kind.ROLE])
                case Kind.SERVICE, _:
                    told = {"description": "Container infrastructure management"}
                    return str(keystone.create_service(name=wish.service_name, type=SERVICE_TYPE, **told).id)
                case Kind.ENDPOINT, Outcome.CHANGED:
                    keystone.update_endpoint(step.target, url=step.url, is_enabled=True)
                case Kind.ENDPOINT, _:
                    place = {"service_id": ids[Kind.SERVICE], "region_id": region, "interface": step.interface}
                    return str(keystone.create_endpoint(url=step.url, is_enabled=True, **place).id)
        return step.target

    def check_account(self, wish: Wish, ids: dict[Kind, str]) -> None:
        """Log in as the account and validate a token with it, as the service will."""
        from keystoneauth1 import exceptions as faults

        session = self._session(ids[Kind.USER], wish, project_id=ids[Kind.PROJECT])
        with asking(f"log in as {wish.user}"):
            mine = self._cloud.session.get_token()
            headers = {"X-Subject-Token": mine}
            where = {"service_type": "identity", "interface": self.interface}
            try:
                session.get("/v3/auth/tokens", endpoint_override=self._root(), endpoint_filter=where, headers=headers)
            except faults.Forbidden as error:
                raise ProviderRefused(
                    f"The role {wish.role} does not let {wish.user} validate tokens in this Keystone.",
                    hint="Register again with --role admin, or change Keystone's policy identity:validate_token.",
                ) from error

    def _root(self) -> str:
        found = str(
            self._cloud.session.get_endpoint(service_type="identity", interface=self.interface) or self.auth_url
        )
        return found.rstrip("/").removesuffix("/v3")

    def _logs_in(self, user_id: str, wish: Wish) -> bool:
        from keystoneauth1 import exceptions as faults

        with asking(f"log in as {wish.user}"):
            try:
                self._session(user_id, wish).get_token()
            except faults.Unauthorized:
                return False
            return True

    def _session(self, user_id: str, wish: Wish, **scope: Any) -> Any:
        from keystoneauth1.identity.v3 import Password
        from keystoneauth1.session import Session

        assert wish.password is not None  # noqa: S101 - the callers' promise
        text = wish.password.reveal().decode()
        auth = Password(self.auth_url, user_id=user_id, password=text, unscoped=not scope, **scope)
        return Session(auth=auth, verify=self._cloud.session.verify, timeout=_ANSWERS_WITHIN_S)

    def _domain(self, name: str, flag: str) -> str:
        found = next(self._keystone.domains(name=name), None)
        if found is None:
            raise ConfigError(f"{flag}: Keystone knows no domain {name}.", hint="openstack domain list shows them.")
        return str(found.id)

    def _services(self) -> Iterator[Service]:
        for one in self._keystone.services(type=SERVICE_TYPE):
            rows = tuple(
                Endpoint(row.id, row.interface, row.region_id or "", row.url, bool(row.is_enabled))
                for row in self._keystone.endpoints(service_id=one.id)
            )
            yield Service(one.id, one.name or "", bool(one.is_enabled), rows)


def _password(wish: Wish) -> dict[str, str]:
    return {"password": wish.password.reveal().decode()} if wish.password else {}
