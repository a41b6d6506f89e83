"""Step "cleanup" of a forced deletion: what the provider has not let go of in time is left behind, each thing by name, and told.

Rows "abandon" (one for each thing, up to a number), then "report" with all of them. Their ledger rows stay open, until
somebody removes the orphans.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ...domain import Resource
from ...domain.errors import JeroboamError, LeaseLost, LeftBehind, ProviderUnavailable, RetryLater
from .. import deleted
from ..incident import incident
from ..scope import DONE, Outcome, Scope
from .cleanup import delete_all, look, report

_SHARE = 3  # one call that hangs takes such a part of the time at most
_REFUSALS = 3  # what was refused so often will not pass
_LAST_LOOK = timedelta(seconds=30)
_PAUSES_S = (0.1, 30.0)
_ROWS = 50


class Forced:
    """As any deletion, until the time is up or the provider has refused it for good."""

    async def run(self, scope: Scope) -> Outcome:
        if _left_s(scope) <= 0 and scope.timeline.attempts("cleanup"):
            return await _abandon(scope)
        try:
            still = await delete_all(scope, limit=scope.limits.forced / _SHARE)
        except LeaseLost:
            raise
        except JeroboamError as error:
            scope.refusals += not isinstance(error, RetryLater)
            scope.reason = error.message
        except Exception as error:  # noqa: BLE001 - a provider that breaks its promises keeps no cluster here for ever
            await _broken(scope, error)
        else:
            scope.reason = "the provider shows it still"
            if not still:
                return await _done(scope)
        if scope.refusals >= _REFUSALS:
            return await _abandon(scope)
        left_s = max(_left_s(scope), 0.0)
        told = f"{scope.reason.rstrip('.')}; what is not gone in {left_s:.0f} s is left behind"
        grown_s = _PAUSES_S[0] * 2 ** min(scope.timeline.attempts("cleanup"), 10)
        return Outcome.again(min(grown_s, _PAUSES_S[1], left_s), told)


async def _broken(scope: Scope, error: Exception) -> None:
    """An error that the provider did not translate counts as a refusal."""
    told = incident(scope, error, stopped="the deletion at the provider")
    scope.refusals += 1
    scope.reason = told.message
    if scope.timeline.started_at("cleanup"):
        await scope.timeline.fail("cleanup", "", told)


def _left_s(scope: Scope) -> float:
    started = scope.operation.started_at or scope.clock.now()
    return (started + scope.limits.forced - scope.clock.now()).total_seconds()


async def _done(scope: Scope) -> Outcome:
    await report(scope)
    await scope.store.close_resources(scope.cluster.uuid, scope.fence)
    return DONE


async def _abandon(scope: Scope) -> Outcome:
    """Look once more, say what is left behind, close the ledger of all else."""
    if scope.timeline.started_at("cleanup"):  # left open by a run that died
        await scope.timeline.fail("cleanup", "", ProviderUnavailable("Not done when the time was up."))
    left = await _last_look(scope)
    if left == ():
        return await _done(scope)
    gone: list[Resource] = []
    if left is not None:
        still = {(one.kind, one.name) for one in left}
        ledger = await scope.store.open_resources(scope.cluster.uuid)
        gone = [one for one in ledger if (one.kind, one.name) not in still]
    await _tell(scope, await _supposed(scope) if left is None else left, gone, known=left is not None)
    if gone:
        await scope.store.close_resources(scope.cluster.uuid, scope.fence, [(one.kind, one.name) for one in gone])
    return DONE


async def _last_look(scope: Scope) -> tuple[Resource, ...] | None:
    """None of a provider that does not say what is there."""
    try:
        return await look(scope, limit=_LAST_LOOK)
    except LeaseLost:
        raise
    except JeroboamError:
        return None
    except Exception as error:  # noqa: BLE001 - see above
        incident(scope, error, stopped="the last look at the provider")
        return None


async def _supposed(scope: Scope) -> tuple[Resource, ...]:
    """Of a provider that does not answer: what it ever showed, else all that was to be made."""
    ledger = tuple(await scope.store.open_resources(scope.cluster.uuid))
    return tuple(one for one in ledger if one.provider_id is not None) or ledger


async def _tell(scope: Scope, left: Sequence[Resource], gone: Sequence[Resource], *, known: bool) -> None:
    why = f"{scope.reason.rstrip('.') or 'the time was up'}."
    hint = f"`jeroboam orphans {scope.cluster.uuid} --remove` removes what is left once the provider lets go of it."
    for one in left[:_ROWS]:
        await _row(
            scope,
            "abandon",
            f"{one.kind} {one.name}",
            LeftBehind(f"{deleted.line(one)} is left behind: {why}", hint=hint),
        )
    gone = [one for one in gone if one.provider_id is not None]
    was = deleted.told(gone) if known else "what was deleted is not known"
    supposed = "" if known else ", as far as is known"
    text = f"{was}; left behind{supposed}: {deleted.counted(left) or 'nothing'}; {why}"
    await _row(scope, "report", "", LeftBehind(text, log=deleted.listed(left), hint=hint))


async def _row(scope: Scope, name: str, target: str, error: LeftBehind) -> None:
    """Once, though a run that died may have written it, or opened it only."""
    if not scope.timeline.attempts(name, target) or scope.timeline.started_at(name, target):
        await scope.timeline.fail(name, target, error)
