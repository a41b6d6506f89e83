"""The store on SQLite (embedded) and PostgreSQL (shared), by SQLAlchemy Core."""

from .figures import FiguresSide
from .quota_store import Quotas
from .sealing import Sealer
from .template_store import Templates
from .vaulted import Vaulted


class SqlStore(Templates, Vaulted, Quotas, FiguresSide):
    """Implements contracts.Store. `SqlStore(url, sealer, clock)`, then `start()`."""


__all__ = ["Sealer", "SqlStore"]
