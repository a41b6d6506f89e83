"""What is logged at which level."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from jeroboam.main import logs


@pytest.fixture
def untouched() -> Iterator[None]:
    """The process's logging is as before, afterwards."""
    root = logging.getLogger()
    kept = {name: logging.getLogger(name).level for name in (*logs._FOREIGN, "")}
    ours = structlog.get_config()
    handlers, engine = [*root.handlers], [*logging.getLogger("dbos").handlers]
    propagates = logging.getLogger("dbos").propagate
    yield
    structlog.configure(**ours)
    root.handlers = handlers
    logging.getLogger("dbos").handlers, logging.getLogger("dbos").propagate = engine, propagates
    for name, level in kept.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    "library", ["keystoneauth.session", "keystoneauth.identity", "urllib3.connectionpool", "httpcore"]
)
def test_at_debug_libraries_do_not_show_what_they_send(untouched: None, library: str) -> None:
    stream = io.StringIO()
    logs.configure("debug", "text", stream)
    logging.getLogger("jeroboam.provider").debug("ours")
    logging.getLogger(library).debug('REQ: curl -d \'{"secret": "s3cret"}\'')
    logging.getLogger(library).warning("is worth a word")
    told = stream.getvalue()
    assert "ours" in told
    assert "is worth a word" in told
    assert "s3cret" not in told
