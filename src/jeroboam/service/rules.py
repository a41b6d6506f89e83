"""Magnum's policy rules: names and defaults, so that an operator's policy.yaml keeps its meaning. Source: magnum/common/policies."""

from __future__ import annotations

from oslo_policy.policy import RuleDefault

_ADMIN = "rule:context_is_admin"
_AM = "rule:admin_or_project_member_deny_cluster_user"
_AR = "rule:admin_or_project_reader_deny_cluster_user"

_BASE = {
    "context_is_admin": "role:admin",
    "project_member": "role:member and project_id:%(project_id)s",
    "project_reader": "role:reader and project_id:%(project_id)s",
    "is_user": "user_id:%(user_id)s",
    "admin_or_owner": "is_admin:True or project_id:%(project_id)s",
    "admin_or_user": "is_admin:True or user_id:%(user_id)s",
    "admin_or_project_member": "rule:context_is_admin or rule:project_member",
    "admin_or_project_reader": "rule:context_is_admin or rule:project_reader",
    "admin_or_project_member_deny_cluster_user": "rule:admin_or_project_member",
    "admin_or_project_reader_deny_cluster_user": "rule:admin_or_project_reader",
    "project_member_deny_cluster_user": "rule:project_member",
    "admin_or_project_member_user": "rule:context_is_admin or (rule:project_member and rule:is_user)",
    "admin_or_project_reader_user": "rule:context_is_admin or (rule:project_reader and rule:is_user)",
    "admin_or_project_member_user_or_cluster_user": "rule:admin_or_project_member_user",
}

_GUARDS: dict[str, tuple[str, ...]] = {
    _AM: (
        "cluster:create",
        "cluster:update",
        "cluster:delete",
        "cluster:resize",
        "cluster:upgrade",
        "clustertemplate:create",
        "clustertemplate:update",
        "clustertemplate:delete",
        "nodegroup:create",
        "nodegroup:update",
        "nodegroup:delete",
        "certificate:rotate_ca",
        "federation:create",
        "federation:update",
        "federation:delete",
    ),
    _AR: (
        "cluster:get",
        "cluster:get_all",
        "cluster:detail",
        "clustertemplate:get",
        "clustertemplate:get_all",
        "clustertemplate:detail",
        "nodegroup:get",
        "nodegroup:get_all",
        "quota:get",
        "stats:get_all",
        "federation:get",
        "federation:get_all",
        "federation:detail",
    ),
    _ADMIN: (
        "cluster:get_one_all_projects",
        "cluster:get_all_all_projects",
        "cluster:detail_all_projects",
        "cluster:update_all_projects",
        "cluster:delete_all_projects",
        "cluster:upgrade_all_projects",
        "clustertemplate:publish",
        "clustertemplate:get_one_all_projects",
        "clustertemplate:get_all_all_projects",
        "clustertemplate:detail_all_projects",
        "clustertemplate:update_all_projects",
        "clustertemplate:delete_all_projects",
        "nodegroup:get_all_all_projects",
        "nodegroup:get_one_all_projects",
        "quota:get_all",
        "quota:create",
        "quota:update",
        "quota:delete",
        "magnum-service:get_all",
    ),
    "rule:admin_or_project_member_user": ("cluster:update_health_status", "certificate:create"),
    "rule:admin_or_project_reader_user": ("certificate:get",),
    "rule:project_member_deny_cluster_user": ("credential:rotate",),
}

OURS = {
    "cluster:force_delete": _ADMIN,  # what is left behind is the operator's loss, and counts in no quota any more
    "cluster:heal": _AM,
    "cluster:heal_all_projects": _ADMIN,
    "cluster:retry": _AM,
    "cluster:retry_all_projects": _ADMIN,
    "operation:cancel": _AM,
    "orphan:delete": _ADMIN,
    "orphan:get_all": _ADMIN,
}
"""Rules of what Magnum does not have, each with its default."""


def defaults() -> list[RuleDefault]:
    """Every rule with its default."""
    guards = [RuleDefault(name, check) for check, names in _GUARDS.items() for name in names]
    return [RuleDefault(name, check) for name, check in (*_BASE.items(), *OURS.items())] + guards
