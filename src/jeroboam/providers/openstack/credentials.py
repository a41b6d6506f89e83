"""Application credentials, one for each cluster: of the service's own user, in the tenant's project.

None is kept: Keystone finds it by its name, and its secret follows from a key of the service and that name. So a crash loses none, and
any process of the service can use it.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ...contracts import CREDENTIAL, FoundResource
from ...domain import Cluster, Secret
from ...domain.errors import HostUnsupported
from .access_rules import access_rules
from .rest import Credential, Rest, checked
from .settings import CredentialKind

_PATH = "/users/{user}/application_credentials"
_PREFIX = "jeroboam-"
_NAME = re.compile(rf"{_PREFIX}([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})-[0-9a-f]{{8}}")
_LOOK_AGAIN_S = 60.0  # for one of a cluster that had none
# Of Keystone's API: access rules since Train, credentials since Queens. Source: Identity API v3 reference, version history
_NEEDS = {CredentialKind.RULES: ((3, 13), "Train"), CredentialKind.PLAIN: ((3, 10), "Queens")}


class Credentials:
    """Makes, finds and revokes them. Until `use` it has a key of its own, which ends with the process."""

    def __init__(self, rest: Rest, kind: CredentialKind) -> None:
        self._rest = rest
        self._kind = kind
        self._key = os.urandom(32)
        self._known: dict[str, tuple[float, Credential | None]] = {}  # by cluster, with the time of the look
        self._hands: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def wanted(self) -> bool:
        return self._kind is not CredentialKind.NONE

    def use(self, key: bytes) -> None:
        self._key = key

    async def check(self) -> None:
        """Raises HostUnsupported when this Keystone has none of the kind that is wished."""
        if not self.wanted:
            return
        body = checked(await self._rest.identity("", "GET", ""), "The version of Keystone could not be read")
        said = str((body.get("version") or {}).get("id") or "")
        needed, release = _NEEDS[self._kind]
        if _version(said) < needed:
            major, minor = needed
            raise HostUnsupported(
                f"[openstack] cluster_credentials = {self._kind} needs Keystone's API v{major}.{minor} ({release}), "
                f"this one has {said or 'another'}.",
                hint="Set cluster_credentials = none, or let Keystone be upgraded.",
            )

    async def of(self, cluster_uuid: str) -> Credential | None:
        """None while the cluster has none."""
        async with self._hands[cluster_uuid]:
            when, known = self._known.get(cluster_uuid, (float("-inf"), None))
            if known is None and time.monotonic() - when > _LOOK_AGAIN_S:
                names = {one.name: one.id for one in await self.found(cluster_uuid)}
                known = self._opened(names[min(names)], min(names)) if names else None
                self._known[cluster_uuid] = time.monotonic(), known
            return known

    def forget(self, cluster_uuid: str) -> None:
        """It is looked up anew when it is needed next."""
        self._known.pop(cluster_uuid, None)

    async def found(self, cluster_uuid: str | None) -> Sequence[FoundResource]:
        """Those of a cluster, or of all, also where none are wished any more. None where Keystone knows no such thing; where none are
        wished, none also where it does not say."""
        prefix = f"{_PREFIX}{cluster_uuid or ''}"
        answer = await self._rest.identity("", "GET", _PATH, query={"name__startswith": prefix})
        body = checked(
            answer, "Application credentials could not be listed", fine=(404,) if self.wanted else (403, 404)
        )
        found = ((_NAME.fullmatch(str(raw["name"])), raw) for raw in body.get("application_credentials") or ())
        mine = [FoundResource(CREDENTIAL, str(raw["id"]), name[0], name[1]) for name, raw in found if name]
        return sorted((one for one in mine if cluster_uuid in (None, one.cluster_uuid)), key=lambda one: one.name)

    async def ensure(self, cluster: Cluster, name: str, *, renew: bool) -> str:
        """See contracts.ClusterCredentials."""
        there = {one.name: one.id for one in await self.found(cluster.uuid)}
        if name not in there and (renew or not there):
            there[name] = await self._make(cluster, name)
        kept = name if name in there else min(there)
        self._known[cluster.uuid] = time.monotonic(), self._opened(there[kept], kept)
        for other in sorted(there) if renew else ():
            if other != kept:
                await self._revoke(there[other], other)
        return kept

    async def revoke(self, cluster_uuid: str) -> Sequence[FoundResource]:
        """All of a cluster; returns them."""
        gone = await self.found(cluster_uuid)
        for one in gone:
            await self._revoke(one.id, one.name)
        self._known.pop(cluster_uuid, None)
        self._hands.pop(cluster_uuid, None)
        return gone

    async def _make(self, cluster: Cluster, name: str) -> str:
        """Returns its id."""
        wish = {
            "name": name,
            "description": f"Jeroboam's, for the cluster {cluster.name} ({cluster.uuid})",
            "secret": self._secret(name).reveal().decode(),
            "unrestricted": False,
        }
        if self._kind is CredentialKind.RULES:
            wish["access_rules"] = access_rules()
        answer = await self._rest.identity(cluster.project_id, "POST", _PATH, body={"application_credential": wish})
        body = checked(answer, f"The application credential {name} was not made")
        return str(body["application_credential"]["id"])

    async def _revoke(self, ident: str, name: str) -> None:
        answer = await self._rest.identity("", "DELETE", f"{_PATH}/{quote(ident)}")
        checked(answer, f"The application credential {name} was not revoked", fine=(404,))

    def _opened(self, ident: str, name: str) -> Credential:
        return Credential(ident, self._secret(name))

    def _secret(self, name: str) -> Secret:
        """64 characters: Keystone hashes no more than 72 bytes of it."""
        info = f"openstack credential\0{name}".encode()
        return Secret(HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(self._key).hex().encode())


def credential_name(cluster_uuid: str, operation_uuid: str) -> str:
    """Another for each operation that makes one, and so another secret."""
    return f"{_PREFIX}{cluster_uuid}-{operation_uuid[:8]}"


def _version(text: str) -> tuple[int, ...]:
    """`v3.14` as numbers; () of what is none."""
    parts = text.removeprefix("v").split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()
