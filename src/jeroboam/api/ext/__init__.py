"""What Jeroboam tells beyond Magnum, under /ext/v1: operations and their timelines, what the installation offers."""

from . import installation, operations

ROUTES = (*operations.ROUTES, *installation.ROUTES)

__all__ = ["ROUTES"]
