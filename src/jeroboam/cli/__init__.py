"""The command line over the public HTTP API: what it can do, any client can do. Imports nothing of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import App

__all__ = ["build_app"]


def build_app() -> App:
    """An app with the commands `cluster`, `template`, `nodegroup`, `flavor`, `operation`, and those for workloads."""
    from cyclopts import App

    from . import (  # noqa: F401
        apps,
        certificate_commands,
        cluster_commands,
        config_commands,
        course_commands,
        flavor_commands,
        group_change_commands,
        label_commands,
        nodegroup_commands,
        operation_commands,
        orphan_commands,
        renewal_commands,
        template_commands,
        why_commands,
        workload_commands,
    )
    from .options import usage_error

    app = App(
        name="jeroboam",
        help="Clusters for tenants, through the Magnum API.",
        help_format="plaintext",
        error_formatter=usage_error,
    )
    for group in (apps.cluster, apps.template, apps.nodegroup, apps.flavor, apps.operation):
        app.command(group)
    app.command(workload_commands.run, usage="jeroboam run --image STR [OPTIONS] CLUSTER [-- COMMAND...]")
    app.command(workload_commands.ps, usage="jeroboam ps [OPTIONS] CLUSTER [NAME]")
    app.command(workload_commands.logs)
    app.command(workload_commands.exec_, name="exec", usage="jeroboam exec [OPTIONS] CLUSTER NAME -- COMMAND...")
    app.command(workload_commands.stop)
    app.command(orphan_commands.orphans, usage="jeroboam orphans [OPTIONS] [CLUSTER...]")
    return app
