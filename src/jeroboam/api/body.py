"""Request bodies: which kinds are read, and JSON as plain values. What is in them is the business of v1/fields.py."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ..domain.errors import InvalidRequest
from .errors import UnknownMimetype

_BROKEN = "Request is not in valid JSON format"
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def check_encoding(header: str | None) -> None:
    """Raises UnknownMimetype for a body that is packed: Magnum unpacks none either, and then finds it broken."""
    if header is not None and header.strip().lower() not in ("", "identity"):
        raise UnknownMimetype(f"Unknown content encoding: {header[:80]}. Send the body as it is.")


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
        return _otherwise_encoded(raw)


def _otherwise_encoded(raw: bytes) -> Any:
    """What RFC 4627 called JSON, too: in UTF-16 or UTF-32, or after a byte order mark. Raises InvalidRequest."""
    encoding = json.detect_encoding(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidRequest(f"{_BROKEN}. It is no UTF-8, UTF-16 or UTF-32.") from None
    try:
        if encoding == "utf-8":
            raise InvalidRequest(_BROKEN)
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise InvalidRequest(_BROKEN) from None


def _first_name(raw: bytes) -> str:
    try:
        pairs = parse_qsl(raw[:400].decode("latin-1"), keep_blank_values=True)
    except ValueError:
        pairs = []
    return pairs[0][0][:80] if pairs else "body"
