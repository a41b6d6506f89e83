"""The store on SQLite (embedded) and PostgreSQL (shared), by SQLAlchemy Core."""

from .cluster_store import Clusters
from .conductor_store import ConductorSide
from .figures import FiguresSide
from .quota_store import Quotas
from .sealing import Sealer
from .template_store import Templates


class SqlStore(Templates, Clusters, Quotas, ConductorSide, FiguresSide):
    """Implements contracts.Store. `SqlStore(url, sealer, clock)`, then `start()`."""


__all__ = ["Sealer", "SqlStore"]
