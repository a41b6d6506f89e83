"""The time limit of an operation as a whole, and what is said when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..domain import Resource, Verb
from ..domain.errors import DeadlineExceeded, ProviderRefused
from . import deleted
from .scope import Scope
from .watch import words

_NAMED = 10
GIVE_UP = (
    "Delete the cluster again once the provider lets go of it; an administrator may leave it behind with "
    "`jeroboam cluster delete --force`."
)


def deadline(scope: Scope) -> datetime:
    """When the operation ends as failed if it is not done."""
    operation = scope.operation
    if operation.deadline_at is not None:
        return operation.deadline_at
    started = operation.started_at or operation.created_at or scope.clock.now()
    return started + scope.time_limit


async def check_deadline(scope: Scope, missing: str) -> None:
    """Raises DeadlineExceeded, with what was still missing; a deletion's names what is left."""
    if scope.clock.now() <= deadline(scope):
        return
    operation, why = scope.operation, missing.rstrip(".")
    if operation.verb is not Verb.DELETE:
        raise DeadlineExceeded(
            f"{operation.kind} did not finish within its time limit; still missing: {why}.",
            hint="Delete the cluster, or try again with a longer create_timeout.",
        )
    left = await _left(scope)
    raise DeadlineExceeded(
        f"delete did not finish within {words(scope.limits.delete)}{f'; left: {left}' if left else ''}; at last: {why}.",
        hint=GIVE_UP,
    )


async def refused(scope: Scope, error: ProviderRefused) -> ProviderRefused:
    """A refusal to delete that says what is left and the next move, too."""
    left = await _left(scope)
    told = f"{error.message.rstrip('.')}; left: {left}." if left else error.message
    return ProviderRefused(told, hint=f"{error.hint} {GIVE_UP}".strip())


async def _left(scope: Scope) -> str:
    """What was seen last; of a provider that never answered, what the ledger has."""
    seen: Sequence[Resource] = scope.left
    if not seen:
        seen = await scope.store.open_resources(scope.cluster.uuid)
    more = f" and {len(seen) - _NAMED} more" if len(seen) > _NAMED else ""
    return ", ".join(deleted.line(one) for one in seen[:_NAMED]) + more
