"""What Jeroboam tells beyond Magnum, under /ext/v1: operations and timelines, signed certificates, plans, what the installation offers."""

from . import certificates, installation, operations, plans

ROUTES = (*operations.ROUTES, *certificates.ROUTES, *installation.ROUTES, *plans.ROUTES)

__all__ = ["ROUTES"]
