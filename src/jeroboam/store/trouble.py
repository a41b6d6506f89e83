"""Database trouble as our errors: what passes by itself is for later, what a caller sent is the caller's, the rest stays what it is.

The database's own words are for the operator, so they are in the log: they name hosts, files and roles.
"""

from __future__ import annotations

import asyncpg
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from ..domain.errors import InvalidRequest, ProviderUnavailable

# Lost or refused connections, too many of them, a server that stops or starts, locks. Source: PostgreSQL 15, appendix A.
_PASSING = ("08", "25P03", "28", "3D000", "53", "57P", "40001", "40P01", "55P03")
_log = structlog.get_logger(__name__)
_AWAY = (OperationalError, InterfaceError, sa.exc.TimeoutError, OSError, asyncpg.InterfaceError)


class translated:
    """Whatever is under way in the block: `with translated(): ...`. Raises ProviderUnavailable, InvalidRequest."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sa.exc.StatementError) and isinstance(error.orig, InvalidRequest):
            raise error.orig from error
        if error is not None and _passes(error):
            _log.warning("the database does not answer", why=_first_line(error))
            raise ProviderUnavailable("The database does not answer.", after_s=1.0) from error


def _passes(error: BaseException) -> bool:
    if isinstance(error, _AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    said = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(said, "sqlstate", None) or "").startswith(_PASSING)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
