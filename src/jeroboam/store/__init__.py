"""The store on SQLite (embedded) and PostgreSQL (shared), by SQLAlchemy Core."""

from .figures import FiguresSide
from .quota_store import Quotas
from .sealing import Sealer
from .shared_side import SharedSide
from .template_store import Templates


class SqlStore(Templates, SharedSide, Quotas, FiguresSide):
    """Implements contracts.Store. `SqlStore(url, sealer, clock)`, then `start()`."""


__all__ = ["Sealer", "SqlStore"]
