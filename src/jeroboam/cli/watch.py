"""An operation followed to its end: a live row a node on a terminal, a line a change elsewhere. Watching never changes anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import BadAnswer, Interrupted, Refused, Unreachable, WaitTimeout
from .moments import duration, seconds_between
from .output import plain
from .timeline import outcome
from .why import FINAL
from .wire import Json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from .client import Client

TIMEOUT_S = 3600.0
SILENCE_S = 120.0  # how long the service may be away (a restart) before the watcher gives up
_QUIET_S = 20.0  # the service gives a sign of life every few seconds
_POLL_S = (0.25, 2.0)  # quick at first: a change in the first seconds is seen at once


@dataclass
class _View:
    """What the watcher knows: the latest answers, and which changes were told."""

    operation: Json = field(default_factory=dict)
    steps: list[Json] = field(default_factory=list)
    told: set[tuple[Any, str]] = field(default_factory=set)
    last_s: float = 0.0  # the time of the last line, in seconds of the operation
    away: str = ""


def follow(
    client: Client,
    cluster_uuid: str,
    operation_uuid: str,
    console: Console | None,
    *,
    timeout_s: float = TIMEOUT_S,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Json:
    """Show the steps until the operation is final; returns it as the API gives it. `console` None shows nothing.

    Raises WaitTimeout, Interrupted (Ctrl-C), Unreachable when the service is away for long: the operation goes on in all of these.
    """
    view = _View()
    live = _live(console, view, client)
    try:
        with live or nullcontext():
            lines_to, started = console if live is None else None, clock()
            _listen(client, operation_uuid, lines_to, view, started + timeout_s, clock)
            return _poll(client, operation_uuid, lines_to, view, timeout_s, started, sleep, clock)
    except KeyboardInterrupt:
        raise Interrupted(
            f"Not waiting any more; operation {operation_uuid} goes on.",
            hint=f"Look at it with `jeroboam cluster why {cluster_uuid}`, or go on with `jeroboam cluster watch {cluster_uuid}`.",
            details={"cluster": cluster_uuid, "operation": operation_uuid},
        ) from None
    except WaitTimeout as error:
        error.details.update({"cluster": cluster_uuid, "operation": operation_uuid})
        error.hint = f"Go on with `jeroboam cluster watch {cluster_uuid}`."
        raise
    except (Unreachable, Refused) as error:
        if isinstance(error, Refused) and error.status < 500:
            raise
        goes_on = "Nothing is lost: the operation goes on when the service runs again"
        error.details.update({"cluster": cluster_uuid, "operation": operation_uuid})
        error.hint = f"{goes_on}; `jeroboam cluster watch {cluster_uuid}` shows it then. {error.hint}"
        raise


def _listen(
    client: Client,
    operation_uuid: str,
    lines_to: Console | None,
    view: _View,
    ends: float,
    clock: Callable[[], float],
) -> None:
    """Show what the service tells by itself, as long as it does: until the end, mostly. Whatever comes in between is left to asking."""
    steps: dict[object, Json] = {}
    try:
        for kind, document in client.events(operation_uuid, silence_s=max(0.1, min(_QUIET_S, ends - clock()))):
            if kind == "step":
                steps[document.get("id")] = document
                view.steps = list(steps.values())
            elif kind == "operation":
                view.operation = document
            if kind in ("", "end") and lines_to is not None:  # all of one look is here: its lines can be put in order
                _tell(lines_to, view)
            if kind == "end" or clock() >= ends:
                return
    except (Unreachable, Refused, BadAnswer):
        return


def _poll(
    client: Client,
    operation_uuid: str,
    lines_to: Console | None,
    view: _View,
    timeout_s: float,
    started: float,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> Json:
    heard = clock()
    pause = _POLL_S[0]
    while True:
        try:
            view.operation, view.steps = client.operation(operation_uuid), client.steps(operation_uuid)
            heard, view.away = clock(), ""
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and error.status < 500:
                raise
            view.away = error.message
            if clock() - heard >= SILENCE_S:
                raise
        if lines_to is not None:
            _tell(lines_to, view)
        if view.operation.get("state") in FINAL:
            return view.operation
        if clock() - started >= timeout_s:
            raise WaitTimeout(f"The operation is not done within {timeout_s:g} s; it goes on.")
        sleep(min(pause, max(0.0, timeout_s - (clock() - started))))
        pause = min(pause * 1.2, _POLL_S[1])


def _tell(console: Console, view: _View) -> None:
    """A line for each change that was not told yet, in the order of their times; what becomes known late does not go back in time."""
    began = view.operation.get("created_at")
    for step in sorted(view.steps, key=lambda step: _at_s(step, began)):
        result = outcome(step)
        key = (step.get("id"), f"running {step.get('message')}" if result == "running" else "ended")
        if key in view.told:
            continue
        view.told.add(key)
        at_s = _at_s(step, began)
        late = result == "running" and at_s < view.last_s
        view.last_s = max(view.last_s, at_s)
        since = f" since {duration(at_s)}" if late else ""
        took = (
            f" in {duration(seconds_between(step.get('started_at'), step.get('ended_at')))}" if result == "ok" else ""
        )
        message = f": {' '.join(plain(step['message']).split())}" if step.get("message") else ""
        line = f"[{duration(view.last_s):>10}] {_label(step)}: {result}{since}{took}{message}"
        console.print(line, soft_wrap=True, markup=False)
    if view.away and (view.away, "away") not in view.told:
        view.told.add((view.away, "away"))
        console.print(f"{plain(view.away)} Still trying.", soft_wrap=True, markup=False)


def _at_s(step: Json, began: object) -> float:
    """When it ended, or began if it runs; in seconds of the operation."""
    return seconds_between(began, step.get("ended_at") or step.get("started_at")) or 0.0


def _label(step: Json) -> str:
    return f"{plain(step.get('name'))} {plain(step.get('target') or '')}".strip()


def _live(console: Console | None, view: _View, client: Client) -> Live | None:
    if console is None or not console.is_terminal:
        return None
    from rich.live import Live

    from .live import LiveSteps

    return Live(
        LiveSteps(lambda: (view.operation, view.steps, view.away, client.now())),
        console=console,
        refresh_per_second=8,
        transient=False,
    )
