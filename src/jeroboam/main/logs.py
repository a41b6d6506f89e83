"""Logs on standard error: lines for people or JSON for machines, ours and the libraries' alike."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

DETAILS = "details"  # a mapping that JSON has as fields of its own, and people can do without
# At debug they tell of every call; keystoneauth shows whole bodies, in which secrets are.
_FOREIGN = (
    "uvicorn", "uvicorn.error", "alembic", "httpx", "httpcore", "dbos", "litestar", "aiosqlite", "asyncio", "keystoneauth", "urllib3",
)  # fmt: skip


def configure(level: str, form: str, stream: TextIO = sys.stderr) -> None:
    """Once, at the start of the process. `form` is text or json."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.ExceptionRenderer(),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [_people] if form == "text" else [_timestamp, _flat, structlog.processors.JSONRenderer(default=str)]
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    for name in _FOREIGN:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    engine = logging.getLogger("dbos")  # brings a handler of its own unless it finds one
    engine.handlers, engine.propagate = [handler], False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _timestamp(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {"timestamp": datetime.now().astimezone().isoformat(timespec="milliseconds"), **event}


def _flat(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**event.pop(DETAILS, {}), **event}


def _people(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """`12:03:04 WARNING what happened key=value`, then a trace if there is one."""
    event.pop(DETAILS, None)
    event.pop("logger", None)
    level = event.pop("level", "info")
    what = event.pop("event", "")
    tail = [str(event.pop(key)) for key in ("exception", "trace", "stack") if event.get(key)]
    mark = "" if level in ("info", "debug") else f"{level.upper()} "
    fields = "".join(f" {key}={value}" for key, value in event.items())
    return "\n".join([f"{datetime.now():%H:%M:%S} {mark}{what}{fields}", *tail])
