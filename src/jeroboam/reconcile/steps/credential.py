"""Step "credential": the cluster has a login of its own at the provider. A rotation gives it another and ends the former."""

from __future__ import annotations

from ...contracts import CREDENTIAL, ClusterCredentials, why_keys_stay
from ...domain import OperationKind, Resource
from ..scope import DONE, Outcome, Scope

_AT = ("credential", "")


class Credential:
    """Once a run; first of all that asks the provider for something of the cluster's own."""

    async def run(self, scope: Scope) -> Outcome:
        provider, uuid = scope.provider, scope.cluster.uuid
        if scope.credential or not isinstance(provider, ClusterCredentials) or not provider.gives_credentials:
            return DONE
        renew = scope.operation.kind is OperationKind.ROTATE_CREDENTIALS
        name = provider.credential_name(uuid, scope.operation.uuid)
        async with scope.timeline.step(*_AT):
            await scope.store.open_resource(Resource(uuid, CREDENTIAL, name), scope.fence)
            work = provider.ensure_credential(scope.cluster, scope.operation.uuid, renew=renew)
            used = await scope.called("ensure_credential", work, at=_AT)
            ledger = await scope.store.open_resources(uuid)
            mine = [one.name for one in ledger if one.kind == CREDENTIAL and one.name != used]
            # Never made: this operation's own; revoked just now: all, by a rotation. Others may be of a rotation that died half-way.
            others = [(CREDENTIAL, one) for one in mine if renew or one == name]
            if others:
                await scope.store.close_resources(uuid, scope.fence, others)
            if renew:
                await scope.timeline.end(*_AT, message=_told(scope, used))
        scope.credential = True
        return DONE


def _told(scope: Scope, name: str) -> str:
    """What a rotation has renewed, and what it leaves."""
    stays = why_keys_stay(scope.driver, scope.provider)
    return f"{name} is in use, the former is ended" + (f"; the nodes' own secrets stay: {stays}" if stays else "")
