"""Clusters: ask for one, find, show, ask for its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..contracts import Caller, ClusterBrief, ClusterRow, Driver, Image, Page, Problem
from ..domain import Cluster, ClusterTemplate, NodeGroup, Operation, OperationKind
from ..domain.errors import Ambiguous, Forbidden, InvalidRequest, NotFound
from . import catalogue, choice, label_check, places, quotas, templates
from .findings import Findings
from .policy import Target
from .services import Asker, Services
from .wishes import NewCluster, cluster_of, counted, default_groups, machines, operation

_KIND = "Cluster"
NO_API_LB = "master_count must be 1 when master_lb_enabled is False"
ZERO_NODES = "Resizing a nodegroup to zero is not supported in the provided microversion."


@dataclass(frozen=True)
class Draft:
    """A cluster that was asked for, with its node groups; `driver` is None where none serves it (a plan only)."""

    cluster: Cluster
    groups: Sequence[NodeGroup]
    driver: Driver | None
    summary: str


async def create(services: Services, asker: Asker, wish: NewCluster) -> Cluster:
    """Check everything, then keep cluster, node groups and operation in one transaction.

    Raises NotFound (template, keypair), Ambiguous, Forbidden, InvalidRequest, QuotaExceeded; nothing is kept then.
    """
    draft = await drafted(services, asker, wish, Findings())
    await services.store.add_cluster(
        draft.cluster,
        draft.groups,
        operation(draft.cluster, OperationKind.CREATE, asker, draft.summary),
        max_clusters=services.settings.max_clusters_per_project,
    )
    return draft.cluster


async def drafted(services: Services, asker: Asker, wish: NewCluster, found: Findings) -> Draft:
    """All checks of a new cluster, in Magnum's order; nothing is changed.

    Raises NotFound (template), Ambiguous, Forbidden, whatever `found` does with the rest.
    """
    caller = asker.caller
    template = await templates.find(services, caller, wish.template)
    cluster = cluster_of(wish, template, asker)
    driver = None
    with found.check():
        driver = choice.check_served(services, cluster.shape)
    with found.check():
        choice.check_docker_volume(cluster.shape)
    _check_counts(services, wish, found)
    services.policy.require("cluster:create", caller)
    with found.check():
        await quotas.check_room(services, caller.project_id)
    if template.hidden and not services.policy.is_admin(caller):
        raise Forbidden("Not authorized.")
    groups: Sequence[NodeGroup] = ()
    with found.check():
        groups = default_groups(cluster, wish)
    summary = f"create {counted(wish.control_plane_count, 'control plane')}, {counted(wish.worker_count, 'worker')}"
    draft = Draft(cluster, groups, driver, summary)
    await _check_place(services, draft, wish, template, found)
    return draft


async def _check_place(
    services: Services, draft: Draft, wish: NewCluster, template: ClusterTemplate, found: Findings
) -> None:
    """What the catalogue, the driver and the provider say of it."""
    cluster, shape = draft.cluster, draft.cluster.shape
    image = await _looked_up(services, cluster, found)
    if wish.control_plane_count > 1 and not shape.api_lb_enabled:
        with found.check():
            raise InvalidRequest(NO_API_LB, field="control_plane_count", value=wish.control_plane_count)
    if draft.driver is not None:
        if label_check.is_strict(template.shape.labels) or label_check.is_strict(shape.labels):
            doubts = label_check.findings(draft.driver, shape.labels, services.place_labels)
            found.refuse([Problem(one.message, one.field, one.hint) for one in doubts])
        if image is not None and draft.groups:
            found.refuse(draft.driver.validate(cluster, draft.groups, image))
            found.refuse(await places.kernel_problems(services, draft.driver, shape, image))
            found.refuse(places.route_problems(services, draft.driver, shape))
            found.refuse(await places.size_problems(services, draft.driver, cluster.project_id, draft.groups))
    if image is not None:
        found.refuse(await services.provider.preflight(cluster, machines(cluster, draft.groups, image)))
    with found.check():
        services.ask_gates(cluster, OperationKind.CREATE)


def _check_counts(services: Services, wish: NewCluster, found: Findings) -> None:
    """Numbers of nodes that make sense for any driver."""
    with found.check():
        if wish.control_plane_count % 2 == 0:
            raise InvalidRequest(
                f"master nodegroup size of {wish.control_plane_count} is invalid, size cannot be an even number.",
                field="control_plane_count",
                value=wish.control_plane_count,
            )
    with found.check():
        if wish.worker_count == 0 and not wish.zero_workers_allowed:
            raise InvalidRequest(ZERO_NODES, field="worker_count", value=0)
    with found.check():
        check_total(services, wish.control_plane_count + wish.worker_count)


def check_total(services: Services, nodes: int) -> None:
    """Raises InvalidRequest above the installation's limit."""
    most = services.settings.max_nodes_per_cluster
    if nodes > most:
        raise InvalidRequest(
            f"A cluster of {nodes} nodes is too large: at most {most} are allowed.", field="worker_count", value=nodes
        )


async def _looked_up(services: Services, cluster: Cluster, found: Findings) -> Image | None:
    """The image; None when it is not to be had (a plan only)."""
    shape, look_up = cluster.shape, services.provider.catalogue
    flavors = (shape.flavor_id, shape.control_plane_flavor_id)
    default = services.settings.default_boot_volume_size_gib
    image = None
    with found.check():
        await catalogue.check_root_volumes(look_up, cluster.project_id, shape.labels, flavors, default)
    with found.check():
        image = await catalogue.image(look_up, cluster.project_id, shape.image_id)
    await catalogue.check_shape(look_up, cluster.project_id, shape, found)
    with found.check():
        await catalogue.check_keypair(look_up, cluster.project_id, cluster.keypair)
    return image


async def list_all(services: Services, caller: Caller, page: Page) -> Sequence[ClusterBrief]:
    """What lists show of those of the caller's project; of all for an administrator. Raises Forbidden."""
    return await services.store.list_briefs(_listed_project(services, caller, "get_all"), page)


async def list_details(services: Services, caller: Caller, page: Page) -> Sequence[ClusterRow]:
    """The same with everything. Raises Forbidden."""
    return await services.store.list_clusters(_listed_project(services, caller, "detail"), page)


def _listed_project(services: Services, caller: Caller, rule: str) -> str | None:
    services.policy.require(f"cluster:{rule}", caller)
    if not services.policy.is_admin(caller):
        return caller.project_id
    services.policy.require(f"cluster:{rule}_all_projects", caller)
    return None


async def get(services: Services, caller: Caller, ident: str) -> ClusterRow:
    """Raises NotFound, Ambiguous, Forbidden."""
    return await authorised(services, caller, ident, "cluster:get", across="cluster:get_one_all_projects")


async def parents(services: Services, rows: Sequence[ClusterRow]) -> Mapping[str, ClusterTemplate]:
    """The templates of these clusters by uuid, whatever became of their visibility."""
    return await services.store.templates_by_uuid({row.cluster.template_uuid for row in rows})


async def delete(services: Services, asker: Asker, ident: str) -> None:
    """Ask for the cluster's end; in any state, and again until it is gone. Raises NotFound, Ambiguous, Forbidden."""
    row = await authorised(services, asker.caller, ident, "cluster:delete", across="cluster:delete_all_projects")
    await ask_deletion(services, asker, row)


async def force_delete(services: Services, asker: Asker, ident: str) -> Operation:
    """Ask for an end that leaves behind what the provider does not let go of in time; no provider or driver is asked for leave. It takes
    the place of a deletion that is under way. Returns the operation. Raises NotFound, Ambiguous, Forbidden."""
    row = await authorised(services, asker.caller, ident, "cluster:force_delete", across="cluster:delete_all_projects")
    nodes = sum(group.node_count for group in row.groups)
    summary = f"delete {counted(nodes, 'node')} by force"
    wish = operation(row.cluster, OperationKind.DELETE, asker, summary, {"forced": True})
    return await services.store.request_delete(row.cluster.uuid, wish)


async def ask_deletion(services: Services, asker: Asker, row: ClusterRow) -> Operation:
    """Queue the end of a cluster that the caller may delete; returns the operation. Raises NotFound, NotSupported."""
    services.ask_gates(row.cluster, OperationKind.DELETE)
    nodes = sum(group.node_count for group in row.groups)
    wish = operation(row.cluster, OperationKind.DELETE, asker, f"delete {counted(nodes, 'node')}")
    return await services.store.request_delete(row.cluster.uuid, wish)


async def authorised(
    services: Services, caller: Caller, ident: str, rule: str, *, across: str | None = None
) -> ClusterRow:
    """The cluster, when the caller may do `rule` to it. `across` is the rule that lets an administrator reach all projects;
    without it everybody stays in his own. Raises NotFound, Ambiguous, Forbidden."""
    everywhere = across is not None and services.policy.is_admin(caller)
    if everywhere and across is not None:
        services.policy.require(across, caller)
    row = await find(services, ident, None if everywhere else caller.project_id)
    services.policy.require(rule, caller, owner(row.cluster))
    return row


async def find(services: Services, ident: str, project_id: str | None) -> ClusterRow:
    """Raises NotFound, Ambiguous; asks no policy."""
    found = await services.store.find_clusters(ident, project_id)
    if not found:
        raise NotFound(_KIND, ident)
    if len(found) > 1:
        raise Ambiguous("Multiple clusters exist with same name. Please use the cluster uuid instead.")
    return found[0]


def owner(cluster: Cluster) -> Target:
    """Whose it is, for the policy."""
    return Target(cluster.project_id, cluster.user_id)
