"""Settings of the HTTP side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ApiSettings:
    """`public_endpoint` is put before the paths of links instead of what the client addressed (for TLS in front of us).

    `max_limit` is the longest page of a list, here for an installation that wants another one than its service settings say.
    """

    max_body_bytes: int = 1_048_576
    body_timeout_s: float = 30.0
    public_endpoint: str | None = None
    max_limit: int | None = None
    max_streams: int = 200  # of events, open at a time; each looks at the database a few times a second
