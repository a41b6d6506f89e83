"""Step "keys": the cluster has its CAs, its service-account key and its tokens. Made once; the first writer wins."""

from __future__ import annotations

from collections.abc import Mapping

from ... import pki
from ...contracts import ClusterSecrets
from ...domain import OperationKind
from ..scope import DONE, Outcome, Scope


class Keys:
    """Makes the keys at the first pass and reads them at every other."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.secrets is not None:
            return DONE
        kept = await scope.store.get_secrets(scope.cluster.uuid)
        if not kept:
            async with scope.timeline.step("keys"):
                fresh = pki.new_cluster_secrets(scope.cluster.name, scope.driver.token_names, scope.clock.now())
                kept = await scope.store.put_secrets(scope.cluster.uuid, pki.pack(fresh))
        scope.secrets = pki.unpack(kept)
        if scope.new_secrets:
            await _renew(scope, kept, scope.secrets)
        return DONE


async def _renew(scope: Scope, kept: Mapping[str, bytes], current: ClusterSecrets) -> None:
    """The keys of a rotation, made once for its operation; they lie beside the old ones until it succeeds."""
    if not any(name.startswith(scope.new_secrets) for name in kept):
        async with scope.timeline.step("new keys"):
            cas = scope.operation.kind is OperationKind.ROTATE_CA
            fresh = pki.renewed(current, scope.cluster.name, scope.clock.now(), cas=cas)
            packed = {scope.new_secrets + name: value for name, value in pki.pack(fresh).items()}
            kept = await scope.store.put_secrets(scope.cluster.uuid, packed)
    prefix = scope.new_secrets
    mine = {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}
    scope.old_secrets, scope.secrets = current, pki.unpack(mine)
