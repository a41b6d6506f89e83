"""Verbs that a driver may lack: upgrade, rotation of CAs, rotation of credentials. Refused before any work starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from ..contracts import (
    Caller,
    ClusterRow,
    Image,
    MachineRebuilder,
    StatefulDriver,
    UpgradeChecker,
    gives_credentials,
    why_keys_stay,
)
from ..domain import ClusterTemplate, NodeGroup, OperationKind, Status, Upgrade
from ..domain.errors import Conflict, Forbidden, InvalidRequest, NotSupported
from . import catalogue, changes, choice, clusters, node_groups, templates
from .changes import Change, Planner, under_way
from .findings import Findings
from .services import Asker, Services
from .wishes import operation

_SETTLED = frozenset({Status.CREATE_COMPLETE, Status.UPDATE_COMPLETE})
_LIVE = _SETTLED | {Status.UPDATE_FAILED, Status.UPDATE_IN_PROGRESS}


@dataclass(frozen=True)
class UpgradeWish:
    """To which template; in batches of how many nodes a group (None: one); which group (None: all that follow the cluster)."""

    template: str
    batch_size: int | None = None
    group: str | None = None


async def upgrade(services: Services, asker: Asker, ident: str, wish: UpgradeWish) -> str:
    """Ask for it; returns the cluster's uuid.

    Raises NotFound (cluster, template, group), Ambiguous, Forbidden, Conflict (template), InvalidRequest (state, version),
    NotSupported.
    """
    caller = asker.caller
    row = await clusters.authorised(services, caller, ident, "cluster:upgrade", across="cluster:upgrade_all_projects")
    plan = await upgrade_plan(services, caller, wish, Findings())
    async with _refusals_told(services, asker, row, OperationKind.UPGRADE):
        await changes.request(services, asker, row, plan)
    return row.cluster.uuid


async def upgrade_plan(services: Services, caller: Caller, wish: UpgradeWish, found: Findings) -> Planner:
    """The change that an upgrade is. Raises NotFound (template, group), Ambiguous, Forbidden, whatever `found` does with the rest."""
    template = await templates.find(services, caller, wish.template)
    if template.hidden and not services.policy.is_admin(caller):
        raise Forbidden("Not authorized.")

    async def plan(now: ClusterRow) -> Change:
        groups: list[NodeGroup] = []
        with found.check():
            groups = _chosen(now, template, wish.group)
        with found.check():
            _check_state(now, _SETTLED, "Upgrading a cluster when")
        with found.check():
            _check_ability(services, now, OperationKind.UPGRADE)
        with found.check():
            _check_kin(now, template)
        old = (await clusters.parents(services, [now])).get(now.cluster.template_uuid)
        target = Upgrade.to(template, old, groups, batch_size=wish.batch_size)
        image = await _check_versions(services, now, groups, target, found)
        changed = [replace(group, status=under_way(group.status)) for group in groups]
        summary = f"upgrade {', '.join(group.name for group in groups)} to template {template.name}"
        return Change(OperationKind.UPGRADE, changed, summary, target.as_details(), image=image)

    return plan


async def rotate_ca(services: Services, asker: Asker, ident: str) -> str:
    """Ask for new CAs; returns the cluster's uuid. Raises NotFound, Ambiguous, Forbidden, InvalidRequest (no TLS, state), NotSupported."""
    row = await clusters.authorised(services, asker.caller, ident, "certificate:rotate_ca")
    if row.cluster.shape.tls_disabled:
        raise InvalidRequest("Rotating the CA certificate on a non-TLS cluster is not supported")

    async def plan(now: ClusterRow) -> Change:
        _check_state(now, _SETTLED, "Updating a cluster when")
        _check_ability(services, now, OperationKind.ROTATE_CA)
        return Change(OperationKind.ROTATE_CA, [], "rotate the cluster's CAs")

    async with _refusals_told(services, asker, row, OperationKind.ROTATE_CA):
        await changes.request(services, asker, row, plan)
    return row.cluster.uuid


async def rotate_credentials(services: Services, asker: Asker, ident: str) -> str:
    """Ask for new secrets of the cluster's own components; returns its uuid. Raises what `rotate_ca` raises."""
    row = await clusters.authorised(services, asker.caller, ident, "credential:rotate")

    async def plan(now: ClusterRow) -> Change:
        _check_ability(services, now, OperationKind.ROTATE_CREDENTIALS)
        _check_state(now, _LIVE, "Rotating credentials when cluster")
        return Change(OperationKind.ROTATE_CREDENTIALS, [], _rotated(services, now))

    async with _refusals_told(services, asker, row, OperationKind.ROTATE_CREDENTIALS):
        await changes.request(services, asker, row, plan)
    return row.cluster.uuid


def _rotated(services: Services, row: ClusterRow) -> str:
    """What a rotation of credentials does here: to a cluster whose nodes cannot follow, not all that it does elsewhere."""
    stays = why_keys_stay(choice.loaded(services, row.cluster.shape.driver), services.provider)
    if not stays:
        return "rotate the cluster's credentials"
    return f"rotate the cluster's login at the provider; the nodes' own secrets stay: {stays}"


def _chosen(row: ClusterRow, template: ClusterTemplate, ident: str | None) -> list[NodeGroup]:
    """The named group, or all whose image is the cluster's own. Raises NotFound, Conflict."""
    if ident is None:
        image = row.cluster.shape.image_id
        return [one for one in row.groups if not one.deleting and (one.is_default or one.image_id == image)]
    group = node_groups.pick(row, ident)
    if not group.is_default and template.uuid != row.cluster.template_uuid:
        raise Conflict(
            f"Cluster Template is not valid for upgrade: Nodegroup {group.name} can be upgraded only to match "
            f"cluster's template ({row.cluster.template_uuid})."
        )
    return [group]


class _WrongState(InvalidRequest):
    """The cluster is busy with something else, or came to nothing."""


def _check_state(row: ClusterRow, allowed: frozenset[Status], doing: str) -> None:
    if row.cluster.status not in allowed:
        raise _WrongState(f'{doing} status is "{row.cluster.status}" is not supported.')


@asynccontextmanager
async def _refusals_told(services: Services, asker: Asker, row: ClusterRow, kind: OperationKind) -> AsyncIterator[None]:
    """What a state does not allow is a failed update to whoever listens, as with Magnum."""
    try:
        yield
    except _WrongState as error:
        await services.store.record_refusal(operation(row.cluster, kind, asker, ""), error.message)
        raise


def _check_ability(services: Services, row: ClusterRow, kind: OperationKind) -> None:
    driver = choice.loaded(services, row.cluster.shape.driver)
    can = driver.capabilities
    able, refusal = {
        OperationKind.UPGRADE: (can.upgrade, f"Upgrading is not supported by the driver {driver.name}."),
        OperationKind.ROTATE_CA: (
            can.rotate_ca,
            f"Rotating the CA certificate is not supported by the driver {driver.name}.",
        ),
        OperationKind.ROTATE_CREDENTIALS: (
            can.rotate_credentials or gives_credentials(services.provider),
            "Credential rotation is not supported by driver.",
        ),
    }[kind]
    if not able:
        raise NotSupported(refusal)
    if kind is OperationKind.ROTATE_CREDENTIALS and gives_credentials(services.provider):
        return
    if isinstance(driver, StatefulDriver) and not isinstance(services.provider, MachineRebuilder):
        name = services.provider.name
        raise NotSupported(f"{refusal} The provider {name} makes no machine anew around its state, which it takes.")


def _check_kin(row: ClusterRow, template: ClusterTemplate) -> None:
    """A cluster stays what it is: another image and other labels, never another tool, driver or kind of machine."""
    for name, word in (("coe", "COE"), ("driver", "driver"), ("server_type", "server type")):
        mine, theirs = getattr(row.cluster.shape, name), getattr(template.shape, name)
        if mine != theirs:
            raise Conflict(
                f"Cluster Template is not valid for upgrade: its {word} is {theirs}, the cluster's {word} is {mine}."
            )


async def _check_versions(
    services: Services, row: ClusterRow, groups: list[NodeGroup], target: Upgrade, found: Findings
) -> Image | None:
    """The target's image, as the catalogue has it; None when it is not to be had (a plan only)."""
    look_up, cluster = services.provider.catalogue, row.cluster
    new = None
    with found.check():
        new = await catalogue.image(look_up, cluster.project_id, target.image_id)
    if new is None:
        return None
    driver = choice.loaded(services, cluster.shape.driver)
    wished = target.cluster(cluster)
    if isinstance(driver, UpgradeChecker):
        for word in dict.fromkeys(group.image_id for group in groups):
            for old in (await look_up.find_images(cluster.project_id, word))[:1]:  # an image that is gone tells nothing
                labels = (cluster.shape.labels, wished.shape.labels)
                found.refuse(driver.check_upgrade(old, new, labels))
    found.refuse(driver.validate(wished, [target.group(group) for group in row.groups], new))
    return new
