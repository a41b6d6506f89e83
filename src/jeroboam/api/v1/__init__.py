"""Magnum's API v1. Its wire words live here and nowhere else."""

from . import actions, certificates, clusters, federations, installation, node_groups, quotas, templates

ROUTES = (
    *templates.ROUTES,
    *clusters.ROUTES,
    *actions.ROUTES,
    *node_groups.ROUTES,
    *certificates.ROUTES,
    *installation.ROUTES,
    *quotas.ROUTES,
    *federations.ROUTES,
)

CLOSED = (*actions.CLOSED, *installation.CLOSED)
"""Paths that are there and take no method at all."""

__all__ = ["CLOSED", "ROUTES"]
