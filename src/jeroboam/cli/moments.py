"""Times of the API as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime


def parse(text: object) -> datetime | None:
    """A time of the API; None for null and for what is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds_between(start: object, end: object) -> float | None:
    """Seconds from one time of the API to another, never negative; None when one is missing."""
    first, last = parse(start), parse(end)
    return max(0.0, (last - first).total_seconds()) if first and last else None


def to_the_second(text: object) -> str:
    """`2026-01-02 03:04:05`, in UTC; "-" for null and for what is none."""
    moment = parse(text)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `42.0 s`, `3 min 05 s`, `2 h 10 min`; "-" for None."""
    if seconds is None:
        return "-"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
