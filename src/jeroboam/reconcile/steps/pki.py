"""Step "keys": the cluster has its CAs, its service-account key and its tokens. Made once; the first writer wins."""

from __future__ import annotations

from collections.abc import Mapping

from ... import pki
from ...contracts import ClusterSecrets, StatusChange
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
    """The keys of a rotation, made once for its operation; they lie beside the old ones until it succeeds, or, with an overlap,
    until every node has them."""
    if not any(name.startswith(scope.new_secrets) for name in kept):
        async with scope.timeline.step("new keys"):
            cas = scope.operation.kind is OperationKind.ROTATE_CA
            fresh = pki.renewed(current, scope.cluster.name, scope.clock.now(), cas=cas)
            packed = _named(scope.new_secrets, pki.settled(fresh) if cas else fresh)
            if scope.overlap_secrets:
                packed |= _named(scope.overlap_secrets, fresh)
            kept = await scope.store.put_secrets(scope.cluster.uuid, packed)
    overlap = bool(scope.overlap_secrets) and any(name.startswith(scope.overlap_secrets) for name in kept)
    prefix = scope.overlap_secrets if overlap else scope.new_secrets
    mine = {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}
    scope.old_secrets, scope.secrets = current, pki.unpack(mine)


def _named(prefix: str, values: ClusterSecrets) -> dict[str, bytes]:
    return {prefix + name: value for name, value in pki.pack(values).items()}


class Publish:
    """Step "publish": every node has the new CAs and trusts the former, too, so the new ones are from now on the cluster's. What comes
    is to take the former away."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.secrets is None:
            raise RuntimeError("steps out of order: publish needs the keys")
        if not scope.overlap_secrets or not scope.secrets.former:
            return DONE
        async with scope.timeline.step("publish"):
            change = StatusChange(new_secrets=scope.overlap_secrets)
            await scope.store.write_status(scope.cluster.uuid, scope.fence, change)
        scope.secrets = scope.old_secrets = None  # read anew
        return Outcome.again(0.0, "the new CAs are published; the former are being taken away")
