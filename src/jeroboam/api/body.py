"""Request bodies: which kinds are read, and JSON as plain values. What is in them is the business of v1/fields.py."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ..domain.errors import InvalidRequest
from .errors import UnknownMimetype

_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def decode(raw: bytes, content_type: str | None, argument: str, *, patch: bool) -> Any:
    """Raises InvalidRequest, UnknownMimetype. An empty body is a missing argument, as upstream has it."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    known = {"application/json", "application/json-patch+json"} if patch else {"application/json"}
    if not raw.strip():
        raise InvalidRequest(f'Missing argument: "{argument}"', field=argument)
    if not kind or kind in _FORMS:
        raise InvalidRequest(f'Unknown argument: "{_first_name(raw)}"')
    if kind not in known:
        raise UnknownMimetype(f"Unknown mimetype: {kind}")
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise InvalidRequest("Request is not in valid JSON format") from None


def _first_name(raw: bytes) -> str:
    try:
        pairs = parse_qsl(raw[:400].decode("latin-1"), keep_blank_values=True)
    except ValueError:
        pairs = []
    return pairs[0][0][:80] if pairs else "body"
