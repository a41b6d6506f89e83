"""Words of the HTTP API that both the client and the commands use."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from .errors import Usage

Json = dict[str, Any]


def segment(ident: str) -> str:
    """A name or uuid as one segment of a path. Raises Usage for what no URL can hold."""
    if ident in ("", ".", ".."):
        raise Usage(f"{ident!r} is neither a name nor a uuid.")
    return quote(ident, safe="")
