"""Clusters: ask for one, find, show, ask for its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..contracts import Caller, ClusterBrief, ClusterRow, Image, Page, Problem
from ..domain import Cluster, ClusterTemplate, OperationKind
from ..domain.errors import Ambiguous, Forbidden, InvalidRequest, NotFound
from . import catalogue, choice, label_check, quotas, templates
from .policy import Target
from .services import Asker, Services
from .wishes import NewCluster, cluster_of, counted, default_groups, machines, operation

_KIND = "Cluster"
ZERO_NODES = "Resizing a nodegroup to zero is not supported in the provided microversion."


async def create(services: Services, asker: Asker, wish: NewCluster) -> Cluster:
    """Check everything, then keep cluster, node groups and operation in one transaction.

    Raises NotFound (template, keypair), Ambiguous, Forbidden, InvalidRequest, QuotaExceeded; nothing is kept then.
    """
    caller = asker.caller
    template = await templates.find(services, caller, wish.template)
    cluster = cluster_of(wish, template, asker)
    driver = choice.check_served(services, cluster.shape)
    choice.check_docker_volume(cluster.shape)
    check_counts(services, wish)
    services.policy.require("cluster:create", caller)
    await quotas.check_room(services, caller.project_id)
    if template.hidden and not services.policy.is_admin(caller):
        raise Forbidden("Not authorized.")
    groups = default_groups(cluster, wish)
    image = await _looked_up(services, cluster)
    if wish.control_plane_count > 1 and not cluster.shape.api_lb_enabled:
        raise InvalidRequest("master_count must be 1 when master_lb_enabled is False", field="control_plane_count")
    if label_check.is_strict(template.shape.labels) or label_check.is_strict(cluster.shape.labels):
        label_check.check_strict(driver, cluster.shape.labels)
    refuse(driver.validate(cluster, groups, image))
    refuse(await services.provider.preflight(cluster, machines(cluster, groups, image)))
    services.ask_gates(cluster, OperationKind.CREATE)
    summary = f"create {counted(wish.control_plane_count, 'control plane')}, {counted(wish.worker_count, 'worker')}"
    await services.store.add_cluster(
        cluster,
        groups,
        operation(cluster, OperationKind.CREATE, asker, summary),
        max_clusters=services.settings.max_clusters_per_project,
    )
    return cluster


def check_counts(services: Services, wish: NewCluster) -> None:
    """Numbers of nodes that make sense for any driver. Raises InvalidRequest."""
    if wish.control_plane_count % 2 == 0:
        raise InvalidRequest(
            f"master nodegroup size of {wish.control_plane_count} is invalid, size cannot be an even number.",
            field="control_plane_count",
            value=wish.control_plane_count,
        )
    if wish.worker_count == 0 and not wish.zero_workers_allowed:
        raise InvalidRequest(ZERO_NODES, field="worker_count", value=0)
    check_total(services, wish.control_plane_count + wish.worker_count)


def check_total(services: Services, nodes: int) -> None:
    """Raises InvalidRequest above the installation's limit."""
    most = services.settings.max_nodes_per_cluster
    if nodes > most:
        raise InvalidRequest(
            f"A cluster of {nodes} nodes is too large: at most {most} are allowed.", field="worker_count", value=nodes
        )


async def _looked_up(services: Services, cluster: Cluster) -> Image:
    shape, look_up = cluster.shape, services.provider.catalogue
    flavors = (shape.flavor_id, shape.control_plane_flavor_id)
    default = services.settings.default_boot_volume_size_gib
    await catalogue.check_root_volumes(look_up, cluster.project_id, shape.labels, flavors, default)
    image = await catalogue.image(look_up, cluster.project_id, shape.image_id)
    await catalogue.check_shape(look_up, cluster.project_id, shape)
    await catalogue.check_keypair(look_up, cluster.project_id, cluster.keypair)
    return image


def refuse(problems: Sequence[Problem]) -> None:
    """Raises InvalidRequest with all problems in one text."""
    if problems:
        texts = [f"{problem.message} {problem.hint}".strip() for problem in problems]
        raise InvalidRequest(" ".join(texts), field=problems[0].field)


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
    services.ask_gates(row.cluster, OperationKind.DELETE)
    nodes = sum(group.node_count for group in row.groups)
    wish = operation(row.cluster, OperationKind.DELETE, asker, f"delete {counted(nodes, 'node')}")
    await services.store.request_delete(row.cluster.uuid, wish)


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
