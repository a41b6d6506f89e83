"""The vault Barbican: a key of each cluster is a secret of the service's own project there. Source: Key Manager API v1 reference.

Imported only when it is chosen: keystoneauth is in the extra `[openstack]`.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from keystoneauth1 import exceptions as faults
from keystoneauth1 import loading
from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session

from ..domain.errors import ConfigError, JeroboamError, ProviderUnavailable

T = TypeVar("T")
_KEY = 32
_AT_ONCE = 4
_PAGE = 100
_TIMEOUT_S = 20.0
_REF = re.compile(r"/secrets/([0-9a-f-]{36})/?$")
_LOGIN = ("username", "password", "user_domain_name", "user_domain_id", "project_name", "project_domain_name")
_MORE = ("project_domain_id", "application_credential_id", "application_credential_secret", "auth_url")


class Barbican:
    """Implements contracts.KeyVault."""

    def __init__(self, account: Mapping[str, str]) -> None:
        """`account`: the options of [keystone_authtoken]. Reaches nothing. Raises ConfigError."""
        verify: Any = account.get("cafile") or not account.get("insecure")
        self._adapter = Adapter(
            Session(auth=_login(account), verify=verify, timeout=_TIMEOUT_S),
            service_type="key-manager",
            interface=account.get("interface") or "internal",
            region_name=account.get("region_name"),
            connect_retries=1,
        )
        self._user = account.get("username") or "of [keystone_authtoken]"
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="barbican")

    async def check(self) -> None:
        await self._asked("GET", "/v1/secrets?limit=1", "Secrets could not be listed")

    async def make(self, cluster_uuid: str) -> tuple[str, bytes]:
        key = os.urandom(_KEY)
        wish = {
            "name": _name(cluster_uuid),
            "secret_type": "symmetric",
            "algorithm": "aes",
            "bit_length": 8 * _KEY,
            "payload": base64.b64encode(key).decode(),
            "payload_content_type": "application/octet-stream",
            "payload_content_encoding": "base64",
        }
        answer = await self._asked("POST", "/v1/secrets", "A key could not be kept", json=wish)
        return _ref(_told(answer, lambda body: body["secret_ref"], "a secret's address")), key

    async def open(self, ref: str) -> bytes:
        what = f"The key {ref} could not be read"
        headers = {"Accept": "application/octet-stream"}
        answer = await self._asked("GET", f"/v1/secrets/{ref}/payload", what, headers=headers)
        key = bytes(answer.content)
        if len(key) != _KEY:
            raise _odd(f"the {_KEY} bytes of the key {ref}")
        return key

    async def forget(self, cluster_uuid: str) -> None:
        path = f"/v1/secrets?name={_name(cluster_uuid)}&limit={_PAGE}"
        while True:
            answer = await self._asked("GET", path, "Keys could not be listed")
            page = _told(answer, lambda body: [one["secret_ref"] for one in body["secrets"]], "its secrets")
            for href in page:
                await self._asked("DELETE", f"/v1/secrets/{_ref(href)}", "A key could not be deleted", fine=404)
            if len(page) < _PAGE:
                return

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _asked(self, method: str, path: str, what: str, *, fine: int = 0, **more: Any) -> Any:
        def ask() -> Any:
            endpoint = self._adapter.get_endpoint()
            if endpoint is None:
                raise faults.EndpointNotFound
            root = re.sub(r"/v1/?$", "", endpoint.rstrip("/"))  # a catalogue may name the version or not
            # log: a body is a key of a cluster
            return self._adapter.request(path, method, endpoint_override=root, raise_exc=False, log=False, **more)

        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                answer = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except TimeoutError:
            raise ProviderUnavailable(f"{what}: Barbican does not answer in time.", after_s=5.0) from None
        except faults.ClientException as error:
            raise self._refused(what, error) from error
        if answer.status_code >= 400 and answer.status_code != fine:
            raise self._translated(what, answer.status_code)
        return answer

    def _translated(self, what: str, status: int) -> JeroboamError:
        if status >= 500 or status == 429:
            return ProviderUnavailable(f"{what}: Barbican answered with status {status}.", after_s=5.0)
        hints = {
            404: "It was deleted in Barbican: what is under it is lost. Restore it, or delete the cluster.",
            403: f"The user {self._user} needs the role `creator` in its project.",
        }
        hint = hints.get(status, "Look at Barbican's log.")
        return ConfigError(f"{what}: Barbican answered with status {status}.", hint=hint)

    def _refused(self, what: str, error: Exception) -> JeroboamError:
        if isinstance(error, faults.EndpointNotFound | faults.EmptyCatalog):
            return ConfigError(
                f"{what}: the cloud's catalogue has no Barbican (key-manager) for this login.",
                hint="Look at [keystone_authtoken] region_name and interface, or set [secrets] store = table.",
            )
        if isinstance(error, faults.Unauthorized | faults.NotFound):
            return ConfigError(
                f"{what}: Keystone does not let the user {self._user} in.", hint="Look at [keystone_authtoken]."
            )
        said = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        return ProviderUnavailable(f"{what}: Barbican cannot be reached: {said}", after_s=3.0)


def _login(account: Mapping[str, str]) -> Any:
    given = {name: account[name] for name in (*_LOGIN, *_MORE) if account.get(name)}
    kind = account.get("auth_type") or "password"
    try:
        return loading.get_plugin_loader(kind).load_from_options(**given)
    except (faults.ClientException, faults.MissingRequiredOptions, TypeError) as error:
        raise ConfigError(
            f"[secrets] store = barbican needs the account of [keystone_authtoken]: {error}.",
            hint="`jeroboam openstack register` writes its lines.",
        ) from None


def _name(cluster_uuid: str) -> str:
    return f"jeroboam-{cluster_uuid}"


def _told(answer: Any, pick: Callable[[Any], T], what: str) -> T:
    """Of its JSON. Raises ProviderUnavailable for what is none, as a page of what stands before Barbican."""
    try:
        return pick(answer.json())
    except (ValueError, KeyError, TypeError):
        raise _odd(what) from None


def _odd(wanted: str) -> ProviderUnavailable:
    return ProviderUnavailable(
        f"What answers in Barbican's place does not tell {wanted}.",
        after_s=5.0,
        hint="Look at the address of key-manager in the catalogue, and at what stands before it.",
    )


def _ref(href: object) -> str:
    """The id in a secret's address, which may become another's."""
    found = _REF.search(str(href))
    if found is None:
        raise ProviderUnavailable(f"Barbican told an address that is none: {href}", after_s=5.0)
    return found[1]
