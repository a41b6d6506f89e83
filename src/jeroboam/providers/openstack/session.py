"""The real door to a cloud: keystoneauth in worker threads. A token for each project, renewed by the library.

Imported only when the provider is made: the package is in the extra `[openstack]`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from keystoneauth1 import exceptions as faults
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from ...domain.errors import JeroboamError, ProviderRefused, ProviderUnavailable
from .rest import GLANCE, NEUTRON, NOVA, Answer, Body
from .settings import OpenStackSettings

T = TypeVar("T")
_AT_ONCE = 16
_VERSIONS = {NEUTRON: "/v2.0", GLANCE: "/v2", NOVA: "/v2.1"}  # where a catalogue names the service without it


class KeystoneRest:
    """Implements Rest. Threads of its own; `close` ends them."""

    def __init__(self, settings: OpenStackSettings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="openstack")
        self._session = Session(verify=settings.cafile or True, timeout=settings.timeout_s)
        self._users: dict[str, Password] = {}

    async def call(
        self,
        project_id: str,
        service: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        version: str = "",
    ) -> Answer:
        def ask() -> Answer:
            return self._call(project_id, service, method, path, query, body, version)

        return await self._in_thread(ask, project_id)

    async def serves(self, project_id: str, service: str) -> bool:
        return await self._in_thread(lambda: self._endpoint(project_id, service) is not None, project_id)

    async def projects(self) -> Sequence[str]:
        def look() -> Sequence[str]:
            adapter = Adapter(self._session, auth=self._user(None), endpoint_override=self._root())
            found: Any = adapter.get("/v3/auth/projects").json()
            return [str(one["id"]) for one in found["projects"] if one.get("enabled", True)]

        return await self._in_thread(look, "")

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(
        self,
        project_id: str,
        service: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Body | None,
        version: str,
    ) -> Answer:
        endpoint = self._endpoint(project_id, service)
        if endpoint is None:
            raise ProviderRefused(
                f"The cloud's catalogue has no service of type {service}.",
                hint="Look at [openstack] region_name and interface.",
            )
        more: dict[str, Any] = {} if body is None else {"json": body}
        found = self._adapter(project_id, service).request(
            path,
            method,
            endpoint_override=_versioned(service, endpoint),
            params=dict(query or {}),
            raise_exc=False,
            microversion=version or None,
            **more,
        )
        return Answer(found.status_code, _json(found), _seconds(found.headers.get("Retry-After", "")))

    def _endpoint(self, project_id: str, service: str) -> str | None:
        """The catalogue's word, without a look at the versions behind it, which would be a call more."""
        catalog: Any = self._user(project_id).get_access(self._session).service_catalog
        region = self._settings.region_name or None
        try:
            return str(catalog.url_for(service_type=service, interface=self._settings.interface, region_name=region))
        except faults.EndpointNotFound:
            return None

    def _adapter(self, project_id: str, service: str) -> Adapter:
        return Adapter(
            self._session,
            auth=self._user(project_id),
            service_type=service,
            interface=self._settings.interface,
            region_name=self._settings.region_name or None,
            connect_retries=1,
        )

    def _user(self, project_id: str | None) -> Password:
        """Our user in a project; None: in none. Making one reaches nothing."""
        key = project_id or ""
        if key not in self._users:
            self._users[key] = Password(
                self._settings.auth_url,
                username=self._settings.username,
                password=self._settings.password.reveal().decode(),
                user_domain_name=self._settings.user_domain_name,
                project_id=project_id,
                unscoped=project_id is None,
            )
        return self._users[key]

    def _root(self) -> str:
        return re.sub(r"/v[0-9.]+/?$", "", self._settings.auth_url.rstrip("/"))

    async def _in_thread(self, call: Callable[[], T], project_id: str) -> T:
        """Within a deadline, waiting for a thread included; a call that is late ends by its own time-out, unheard."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.timeout_s * 2):
                return await loop.run_in_executor(self._threads, call)
        except TimeoutError:
            raise ProviderUnavailable("The cloud does not answer in time.", after_s=5.0) from None
        except faults.ClientException as error:
            raise self._refused(error, project_id) from error

    def _refused(self, error: Exception, project_id: str) -> JeroboamError:
        user = self._settings.username
        if isinstance(error, faults.Unauthorized | faults.NotFound):
            where = f"the project {project_id}" if project_id else "the cloud"
            return ProviderRefused(
                f"Keystone lets the user {user} not into {where}.",
                hint=f"Look at username and password in [openstack]; the user needs the role `member` in the project: "
                f"`openstack role add --user {user} --project {project_id or 'PROJECT'} member`. "
                "Of a project that is closed for good, a cluster is given up by `jeroboam cluster delete NAME --force`.",
            )
        said = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        return ProviderUnavailable(f"The cloud cannot be reached: {said}", after_s=3.0)


def _versioned(service: str, endpoint: str) -> str:
    root = endpoint.rstrip("/")
    wanted = _VERSIONS.get(service, "")
    return root if not wanted or re.search(r"/v\d", root) else root + wanted


def _json(found: Any) -> Body:
    try:
        body = found.json()
    except ValueError:
        return {"message": found.text.strip()} if found.status_code >= 400 else {}
    return body if isinstance(body, dict) else {}


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
