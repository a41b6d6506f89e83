"""Healing by hand: what the scan would do by itself after a grace, now, for nodes that it saw not to be well."""

from __future__ import annotations

from .. import healing
from ..contracts import ClusterRow
from ..domain import FAILED, Ailing, Operation, OperationKind, Status
from ..domain.errors import Conflict, NotSupported
from . import changes, choice, clusters
from .changes import Change
from .services import Asker, Services

_WHOLE = frozenset({Status.CREATE_COMPLETE, Status.UPDATE_COMPLETE})
_ALL_AT_ONCE = 100  # percent: whoever asks by hand has looked


async def heal(services: Services, asker: Asker, ident: str) -> Operation:
    """Ask for it; returns the new operation.

    Raises NotFound, Ambiguous, Forbidden, NotSupported; Conflict while an operation is at work or has failed, when no node is known not to
    be well, and when none may be healed, with the reason of each.
    """
    row = await clusters.authorised(services, asker.caller, ident, "cluster:heal", across="cluster:heal_all_projects")

    async def plan(now: ClusterRow) -> Change:
        _check_state(now)
        return _change(services, now)

    return await changes.request_kept(services, asker, row, plan)


def _check_state(row: ClusterRow) -> None:
    cluster = row.cluster
    if cluster.deleting:
        raise Conflict(f"Cluster {cluster.name} is being deleted.")
    if cluster.status not in _WHOLE:
        raise Conflict(
            f"Cluster {cluster.name} is {cluster.status}, and is healed only between operations that succeeded.",
            hint="Retry it first." if cluster.status in FAILED else "Wait for the operation's end.",
        )


def _change(services: Services, row: ClusterRow) -> Change:
    cluster = row.cluster
    driver = choice.loaded(services, cluster.shape.driver)
    if not driver.capabilities.heals:
        raise NotSupported(f"Healing is not supported by the driver {driver.name}.")
    ailing = {name: Ailing.of(name, kept) for name, kept in cluster.ailing.items()}
    if not ailing:
        hint = "Nodes are looked at now and then; `jeroboam cluster why` tells those that are not well."
        raise Conflict(f"No node of cluster {cluster.name} is known not to be well.", hint=hint)
    means = healing.means_of(driver, services.provider, api_ok=cluster.health_reason.get("api") == "ok")
    plan = healing.plan_healing(row.groups, ailing, ailing, means, {}, _ALL_AT_ONCE)
    if not plan.remedies:
        told = "; ".join(f"{name}: {why}" for name, why in sorted(plan.left.items()))
        raise Conflict(f"No node of cluster {cluster.name} can be healed: {told}.")
    return Change(OperationKind.HEAL, [], healing.summary(plan, ailing), healing.as_details(plan, ailing))
