"""Times as /ext/v1 shows them."""

from __future__ import annotations

from datetime import datetime


def moment(value: datetime | None) -> str | None:
    """UTC, to the millisecond: steps are short."""
    return None if value is None else value.isoformat(timespec="milliseconds")
