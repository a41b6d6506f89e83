"""The HTTP API: Magnum's v1 and our own /ext/v1. Routes, wire formats, the one table from error to status; no decisions."""

from .app import create_app
from .settings import ApiSettings

__all__ = ["ApiSettings", "create_app"]
