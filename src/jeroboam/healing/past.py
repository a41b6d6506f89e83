"""What became of the healing of a cluster up to now: from its operations, so that nothing else is kept. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..domain import Operation, OperationState
from .plan import Remedy

AUTO = "auto-healing"
"""Who asked for an operation that the scan asked for. A user may have this name, so its details say it, too; the retry of one has
these details, but another user."""


@dataclass(frozen=True)
class Past:
    """What the scan's own operations of a cluster came to, since somebody else's last one."""

    failures: int = 0  # in a row, up to now
    failed_at: datetime | None = None
    tried: Mapping[str, Remedy] = field(default_factory=dict)  # by the last one, when it failed
    times: Mapping[str, int] = field(default_factory=dict)  # within the window, by node


def past(operations: Sequence[Operation], now: datetime, window: timedelta) -> Past:
    """From a cluster's operations, the newest first. Somebody else's begins a new count: whoever looked after it knows."""
    mine: list[Operation] = []
    for one in operations:
        if one.user_id != AUTO or not one.details.get("auto"):
            break
        mine.append(one)
    ended = [one for one in mine if one.started_at and one.finished_at]
    failed = ended[: next((n for n, one in enumerate(ended) if one.state is OperationState.SUCCEEDED), len(ended))]
    recent = (one for one in mine if one.created_at and now - one.created_at < window)
    return Past(
        failures=len(failed),
        failed_at=failed[0].finished_at if failed else None,
        tried=remedies(failed[0].details) if failed else {},
        times=Counter(name for one in recent for name in remedies(one.details)),
    )


def remedies(details: Mapping[str, Any]) -> dict[str, Remedy]:
    """What an operation of the kind `heal` is to do, by node."""
    return {name: Remedy(node["remedy"]) for name, node in details.get("nodes", {}).items()}
