"""Names of machines and resources: deterministic, so that making the same thing twice makes it once."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

_SLUG = re.compile(r"[^a-z0-9]+")


def slug(text: str, limit: int) -> str:
    """`text` as a DNS label part of at most `limit` characters; "x" when nothing usable is left."""
    return _SLUG.sub("-", text.lower()).strip("-")[:limit].strip("-") or "x"


def cluster_slug(name: str, uuid: str) -> str:
    """Readable and unique prefix of all that a cluster owns, at most 29 characters: `demo-5b2f1a3c`."""
    return f"{slug(name, 20)}-{uuid.replace('-', '')[:8]}"


def machine_name(cluster_slug_: str, group: str, index: int) -> str:
    """Host name of a machine, at most 58 characters: `demo-5b2f1a3c-default-worker-0`.

    A group whose name is no DNS label gets a hash of its full name, so that "a.b" and "a-b" stay apart.
    """
    part = slug(group, 22)
    if part != group:
        part = f"{slug(group, 15)}-{hashlib.sha256(group.encode()).hexdigest()[:6]}"
    return f"{cluster_slug_}-{part}-{index}"


def parses_as_uuid(ident: str) -> bool:
    """Whether an identifier means a uuid, in any spelling. What does is never looked up as a name, and by its exact text only."""
    try:
        UUID(ident)
    except ValueError:
        return False
    return True
