"""The door to a cloud with a key for each cluster: what is called for a cluster is called with its own credential."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from ...domain.errors import JeroboamError, ProviderRefused
from .credentials import Credentials
from .rest import HEAT, Answer, Body, Credential, CredentialRefused, Rest


class ByCluster:
    """Implements Rest. Outside of `acting`, and for a cluster that has no credential, it calls with the service's own login."""

    def __init__(self, rest: Rest, credentials: Credentials) -> None:
        self._rest = rest
        self._credentials = credentials
        self._cluster: ContextVar[str] = ContextVar("openstack_cluster", default="")

    @contextmanager
    def acting(self, cluster_uuid: str) -> Iterator[None]:
        """All calls in here, those of tasks that begin in here too, are this cluster's."""
        before = self._cluster.set(cluster_uuid)
        try:
            yield
        finally:
            self._cluster.reset(before)

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
        async def ask(own: Credential | None) -> Answer:
            return await self._rest.call(
                project_id, service, method, path, query=query, body=body, version=version, credential=own
            )

        own = credential or await self._own(service, method, path)
        try:
            answer = await ask(own)
        except CredentialRefused as error:  # another process has made a new one, or somebody has revoked it
            self._credentials.forget(self._cluster.get())
            again = await self._own(service, method, path)
            if again == own:
                raise await self._why(project_id, error) from error
            own, answer = again, await ask(again)
        if own is not None and answer.status == 401:
            raise ProviderRefused(
                f"The service of type {service} does not take the cluster's own credential for {method} {path}.",
                hint=f"Its configuration needs `service_type = {service}` in [keystone_authtoken], as that of Heat, Nova, Neutron and "
                "Glance. Where it cannot have it, set [openstack] cluster_credentials = plain, restart the service, then "
                "`jeroboam cluster rotate-credentials NAME`: until then the cluster keeps the one that it has.",
            )
        return answer

    async def _why(self, project_id: str, error: CredentialRefused) -> JeroboamError:
        """Of a credential that is there and opens nothing."""
        try:
            await self._rest.identity(project_id, "GET", "/auth/projects")
        except JeroboamError as closed:
            return closed
        return ProviderRefused(
            error.message,
            hint="It was made with another key file than this process has, or has lost its role: "
            "`jeroboam cluster rotate-credentials NAME` makes another.",
        )

    async def _own(self, service: str, method: str, path: str) -> Credential | None:
        cluster = self._cluster.get()
        if not cluster or not self._credentials.wanted or _takes_a_trust(service, method, path):
            return None
        return await self._credentials.of(cluster)

    async def identity(
        self,
        project_id: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Answer:
        return await self._rest.identity(project_id, method, path, query=query, body=body)

    async def serves(self, project_id: str, service: str) -> bool:
        return await self._rest.serves(project_id, service)

    async def projects(self) -> Sequence[str]:
        return await self._rest.projects()

    async def close(self) -> None:
        await self._rest.close()


def _takes_a_trust(service: str, method: str, path: str) -> bool:
    """Heat makes a trust for a new stack and ends it with the stack, in the name of who asks; Keystone lets no application credential do
    either. Source: Heat 19, engine/stack.py; Keystone 22, api/trusts.py; both seen."""
    return service == HEAT and (method == "DELETE" or (method == "POST" and path == "/stacks"))
