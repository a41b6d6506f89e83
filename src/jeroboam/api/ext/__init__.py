"""What Jeroboam tells beyond Magnum, under /ext/v1: operations and timelines, signed certificates, plans, what the installation
offers, orphans."""

from . import certificates, installation, operations, orphans, plans

ROUTES = (*operations.ROUTES, *certificates.ROUTES, *installation.ROUTES, *plans.ROUTES, *orphans.ROUTES)

__all__ = ["ROUTES"]
