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
from keystoneauth1.identity.v3 import ApplicationCredential, Password
from keystoneauth1.session import Session

from ...domain.errors import JeroboamError, ProviderRefused, ProviderUnavailable
from .closed import why_closed
from .rest import GLANCE, HEAT, NEUTRON, NOVA, Answer, Body, Credential, CredentialRefused, checked
from .settings import OpenStackSettings

T = TypeVar("T")
_AT_ONCE = 16
Login = Password | ApplicationCredential
_VERSIONS = {NEUTRON: "/v2.0", GLANCE: "/v2", NOVA: "/v2.1"}  # where a catalogue names the service without it


class KeystoneRest:
    """Implements Rest. Threads of its own; `close` ends them."""

    def __init__(self, settings: OpenStackSettings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="openstack")
        self._session = Session(verify=settings.cafile or True, timeout=settings.timeout_s)
        self._users: dict[str, Password] = {}  # by project
        self._owned: dict[str, ApplicationCredential] = {}  # by its id

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
        credential: Credential | None = None,
    ) -> Answer:
        def ask() -> Answer:
            login = self._user(project_id) if credential is None else self._owner(credential)
            return self._call(login, service, method, path, query, body, version)

        return await self._in_thread(ask, project_id, credential, f"{method} of the service {service}")

    async def serves(self, project_id: str, service: str) -> bool:
        return await self._in_thread(lambda: self._endpoint(self._user(project_id), service) is not None, project_id)

    async def identity(
        self,
        project_id: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Answer:
        def ask() -> Answer:
            login = self._user(project_id)
            own = path.replace("{user}", str(login.get_access(self._session).user_id))
            adapter = Adapter(self._session, auth=login, endpoint_override=f"{self._root()}/v3", connect_retries=1)
            return _asked(adapter, method, own, query, body)

        return await self._in_thread(ask, project_id)

    async def projects(self) -> Sequence[str]:
        answer = await self.identity("", "GET", "/auth/projects")
        found = checked(answer, "The projects of the service's user could not be listed")["projects"]
        return [str(one["id"]) for one in found if one.get("enabled", True)]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(
        self,
        login: Login,
        service: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Body | None,
        version: str,
    ) -> Answer:
        endpoint = self._endpoint(login, service)
        if endpoint is None:
            raise ProviderRefused(
                f"The cloud's catalogue has no service of type {service}.",
                hint="Look at [openstack] region_name and interface.",
            )
        adapter = self._adapter(login, service, _versioned(service, endpoint))
        answer = _asked(adapter, method, path, query, body, version)
        # So errs Heat, and it alone, over a token that was revoked: the next call has a new one, or is told why not.
        if service == HEAT and answer.status == 500:
            login.invalidate()
        return answer

    def _endpoint(self, login: Login, service: str) -> str | None:
        """The catalogue's word, without a look at the versions behind it, which would be a call more."""
        catalog: Any = login.get_access(self._session).service_catalog
        region = self._settings.region_name or None
        try:
            return str(catalog.url_for(service_type=service, interface=self._settings.interface, region_name=region))
        except faults.EndpointNotFound:
            return None

    def _adapter(self, login: Login, service: str, endpoint: str) -> Adapter:
        return Adapter(
            self._session,
            auth=login,
            endpoint_override=endpoint,
            service_type=service,
            interface=self._settings.interface,
            region_name=self._settings.region_name or None,
            connect_retries=1,
        )

    def _user(self, project_id: str) -> Password:
        """Our user in a project; "": in none. Making one reaches nothing."""
        if project_id not in self._users:
            self._users[project_id] = Password(
                self._settings.auth_url,
                username=self._settings.username,
                password=self._settings.password.reveal().decode(),
                user_domain_name=self._settings.user_domain_name,
                project_id=project_id or None,
                unscoped=not project_id,
            )
        return self._users[project_id]

    def _owner(self, credential: Credential) -> ApplicationCredential:
        """The login of a cluster. Making one reaches nothing."""
        if credential.id not in self._owned:
            self._owned[credential.id] = ApplicationCredential(
                self._settings.auth_url,
                application_credential_id=credential.id,
                application_credential_secret=credential.secret.reveal().decode(),
            )
        return self._owned[credential.id]

    def _root(self) -> str:
        return re.sub(r"/v[0-9.]+/?$", "", self._settings.auth_url.rstrip("/"))

    async def _in_thread(
        self, call: Callable[[], T], project_id: str, credential: Credential | None = None, what: str = "Keystone"
    ) -> T:
        """Within a deadline, waiting for a thread included; a call that is late ends by its own time-out, unheard."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.timeout_s * 2):
                return await loop.run_in_executor(self._threads, call)
        except TimeoutError:
            raise _late(self._settings.timeout_s * 2, what) from None
        except faults.ClientException as error:
            if credential is None and project_id and isinstance(error, faults.Unauthorized | faults.NotFound):
                raise await why_closed(self, project_id, self._settings.username) from error
            raise self._refused(error, project_id, credential) from error

    def _refused(self, error: Exception, project_id: str, credential: Credential | None) -> JeroboamError:
        user = self._settings.username
        if isinstance(error, faults.Unauthorized | faults.NotFound):
            if credential is not None:
                self._owned.pop(credential.id, None)
                return CredentialRefused(
                    f"Keystone does not take the cluster's own credential for the project {project_id}.",
                )
            return ProviderRefused(
                f"Keystone does not let the user {user} in.", hint="Look at username and password in [openstack]."
            )
        said = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        if isinstance(error, faults.ConnectTimeout):  # an answer that is late is called so, too
            return _late(self._settings.timeout_s, said)
        hint = "Look at that service and at what stands before it; this goes on when it answers."
        return ProviderUnavailable(f"The cloud cannot be reached: {said}", after_s=3.0, hint=hint)


def _late(seconds: float, what: str) -> ProviderUnavailable:
    hint = "It is overloaded, or what stands before it is; this goes on when it answers."
    return ProviderUnavailable(f"The cloud did not answer within {seconds:g} s: {what}", after_s=5.0, hint=hint)


def _versioned(service: str, endpoint: str) -> str:
    root = endpoint.rstrip("/")
    wanted = _VERSIONS.get(service, "")
    return root if not wanted or re.search(r"/v\d", root) else root + wanted


def _asked(
    adapter: Adapter, method: str, path: str, query: Mapping[str, str] | None, body: Body | None, version: str = ""
) -> Answer:
    more: dict[str, Any] = {} if body is None else {"json": body}
    found = adapter.request(
        path,
        method,
        params=dict(query or {}),
        raise_exc=False,
        microversion=version or None,
        log=False,  # bodies hold secrets of credentials and what machines boot with
        **more,
    )
    return Answer(found.status_code, _json(found), _seconds(found.headers.get("Retry-After", "")))


def _json(found: Any) -> Body:
    try:
        body = found.json()
    except ValueError:
        return {"message": found.text.strip()} if found.status_code >= 400 else {}
    return body if isinstance(body, dict) else {}


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
