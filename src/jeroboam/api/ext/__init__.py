"""What Jeroboam tells beyond Magnum, under /ext/v1: operations and their timelines, signed certificates, what the installation offers."""

from . import certificates, installation, operations

ROUTES = (*operations.ROUTES, *certificates.ROUTES, *installation.ROUTES)

__all__ = ["ROUTES"]
