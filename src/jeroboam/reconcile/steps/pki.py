"""Step "keys": the cluster has its CAs, its service-account key and its tokens. Made once; the first writer wins."""

from __future__ import annotations

from ... import pki
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
        return DONE
