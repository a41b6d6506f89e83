"""An error that nobody foresaw: its trace goes to the log under a number, and only the number to tenants."""

from __future__ import annotations

import traceback
import uuid

import structlog

from ..domain.errors import Bug
from .scope import Scope

_log = structlog.get_logger(__name__)


def incident(scope: Scope, error: Exception, *, stopped: str = "the operation") -> Bug:
    """Logs it, and returns what may be told of it; `stopped` are words for what came to an end."""
    number = uuid.uuid4().hex[:12]
    _log.error(
        "incident",
        incident=number,
        operation=scope.operation.uuid,
        cluster=scope.cluster.uuid,
        trace="".join(traceback.format_exception(error)),
    )
    return Bug(
        f"An error of Jeroboam's own stopped {stopped} (incident {number}).",
        incident=number,
        hint="The operator finds the trace in the service's log under that number.",
    )
