"""The groups of commands; the modules named `*_commands` put their commands in."""

from __future__ import annotations

from cyclopts import App

from .options import usage_error

cluster = App(
    name="cluster",
    help="Clusters: create, list, show, resize, upgrade, rotate-ca, rotate-credentials, config, certificates, why, watch, cancel, "
    "retry, heal, delete.",
)
template = App(name="template", help="Cluster templates: create, list, show, delete, labels.")
nodegroup = App(name="nodegroup", help="Node groups of a cluster: create, list, show, update, delete.")
flavor = App(name="flavor", help="Flavors, the sizes of nodes: list.")
operation = App(name="operation", help="Operations on clusters: list, show, cancel.")
for group in (cluster, template, nodegroup, flavor, operation):
    group.error_formatter = usage_error
    group.help_format = "plaintext"  # Markdown would cost 0.1 s of imports
