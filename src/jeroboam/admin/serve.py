"""`jeroboam serve`: the service as operators run it, from a configuration file, quiet, with logs as JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import structlog
from cyclopts import Parameter

from .. import __version__, main
from ..main import logs
from . import settings

_log = structlog.get_logger(__name__)


def serve(
    *,
    config: Annotated[
        Path | None, Parameter(help="The configuration file; `jeroboam config sample` prints one.")
    ] = None,
    api: Annotated[
        bool, Parameter(negative=(), help="Run the API; without --conductor, it alone. With neither option, both run.")
    ] = False,
    conductor: Annotated[bool, Parameter(negative=(), help="Run a conductor; without --api, it alone.")] = False,
) -> None:
    """Run the service from a configuration file. Stops cleanly on SIGTERM and Ctrl-C."""
    loaded = settings.load(config)
    logs.configure(loaded.log.level, "text" if loaded.log.format == "text" else "json")
    both = api == conductor
    roles = main.Roles(api=api or both, conductor=conductor or both)
    main.run(loaded, main.locate(loaded, os.environ), roles, _announce)


def _announce(ready: main.Ready) -> None:
    parts = ready.parts
    _log.info(
        "ready",
        version=__version__,
        host=parts.config.api.host,
        port=parts.config.api.port,
        provider=parts.provider.name,
        drivers=sorted(parts.drivers),
        data_folder=str(parts.folder.path),
        taken_up=[operation.uuid for operation in ready.taken_up],
    )
