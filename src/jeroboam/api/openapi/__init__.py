"""OpenAPI 3.1 documents of both APIs, made from the tables that serve them, so that they cannot say anything else."""

from .documents import ROUTES, documents

__all__ = ["ROUTES", "documents"]
