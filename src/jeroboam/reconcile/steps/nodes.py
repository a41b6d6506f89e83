"""Step "boot": every machine has told on its console that its bootstrap is done. The service calls nobody for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import NamedTuple

from ... import bootstrap
from ...contracts import Machine
from ...domain.errors import BootstrapFailed, DeadlineExceeded, RetryLater
from ..scope import DONE, Outcome, Scope

_LAST_LOOK = timedelta(seconds=30)  # for a console, when the time is up


class Boot:
    """Reads the consoles of the machines that are not done yet."""

    async def run(self, scope: Scope) -> Outcome:
        if scope.plan is None:
            raise RuntimeError("steps out of order: boot needs the machine plan")
        waiting = [m for m in scope.plan.keep if m.name not in scope.booted | scope.passed_over]
        if not waiting:
            return DONE
        notes = await asyncio.gather(*(_look(scope, machine) for machine in waiting))
        left = sorted((note for note in notes if note), key=lambda note: not note.stalled)
        if not left:
            return DONE
        total = len(scope.plan.wanted)
        return Outcome.again(0.25, f"{total - len(left)} of {total} nodes booted; {left[0].text}")


class _Note(NamedTuple):
    """What a node is doing; `stalled` when it has said nothing for long."""

    text: str
    stalled: bool


async def _look(scope: Scope, machine: Machine) -> _Note | None:
    """None when the node is done. A boot before the machine was last asked for is none: it may have been made anew."""
    rows = [scope.timeline.started_at(step, machine.name) for step in ("machine", "boot")]
    if scope.timeline.ended_well_since("machine", "boot", machine.name) and rows == [None, None]:
        scope.booted.add(machine.name)
        return None
    await scope.timeline.begin("boot", machine.name)
    await scope.timeline.end("machine", machine.name)  # left open by a run that died when the machine was made
    said = await console(scope, machine.name)
    progress = bootstrap.parse_console(said)
    if progress.done:
        scope.booted.add(machine.name)
        await scope.timeline.end("boot", machine.name)
        return None
    if progress.failed:
        raise await _failed(scope, machine, progress.step, progress.message, said)
    if scope.overdue("boot", machine.name, scope.limits.boot):
        raise await _late(scope, machine, progress.step, said)
    quiet = await scope.moving(_last_line(said), at=("boot", machine.name), sign=str(hash(said)))
    stalled = quiet != _last_line(said)
    doing = f"{machine.name}: {progress.step or 'starting'}"
    return _Note(f"{doing}; {quiet}" if stalled else doing, stalled)


async def console(scope: Scope, name: str, *, limit: timedelta | None = None) -> str:
    """What a machine has said last."""
    work = scope.provider.console_log(scope.cluster.uuid, name, lines=400)
    return await scope.called(f"console_log {name}", work, limit=limit)


def _last_line(console: str) -> str:
    lines = [line.strip() for line in console.splitlines() if line.strip()]
    return f"last line: {lines[-1][:200]}" if lines else "its console is empty"


async def _failed(scope: Scope, machine: Machine, step: str, message: str, console: str) -> BootstrapFailed:
    error = BootstrapFailed(
        f"{machine.name}: bootstrap step {step} failed: {message}",
        node=machine.name,
        log=_tail(console),
        hint="The node's last console lines are in the timeline (`jeroboam cluster why`).",
    )
    await scope.timeline.fail("boot", machine.name, error)
    return error


async def _late(scope: Scope, machine: Machine, step: str, console: str) -> DeadlineExceeded:
    minutes = scope.limits.boot.total_seconds() / 60
    error = BootstrapFailed(
        f"{machine.name} did not finish its bootstrap within {minutes:g} minutes; it stands at {step or 'its start'}.",
        node=machine.name,
        log=_tail(console),
    )
    await scope.timeline.fail("boot", machine.name, error)
    return DeadlineExceeded(error.message, hint="The node's last console lines are in the timeline.")


async def tell_unfinished(scope: Scope) -> None:
    """Time is up: the row of every node that still boots says so of this node, with its own last console lines."""
    names = scope.timeline.open_targets("boot")
    for name, said in zip(names, await asyncio.gather(*(_last_words(scope, name) for name in names)), strict=True):
        step = bootstrap.parse_console(said).step
        error = BootstrapFailed(
            f"{name} had not finished its bootstrap when the time was up; it stands at {step or 'its start'}.",
            node=name,
            log=_tail(said),
            hint="" if said else "It has said nothing on its console: is its image a node image?",
        )
        await scope.timeline.fail("boot", name, error)


async def _last_words(scope: Scope, name: str) -> str:
    try:
        return await console(scope, name, limit=_LAST_LOOK)
    except RetryLater as away:  # the end must not wait for a provider that does not answer
        return f"(its console cannot be read: {away.message})"


def _tail(console: str, lines: int = 150) -> str:
    """A step's own last words and those of six units (bootstrap/script.py), with some of what was before."""
    return "\n".join(console.splitlines()[-lines:])
