"""The timeline of an operation as lines: when, how long, what, on which node, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from .moments import duration, seconds_between
from .output import plain
from .wire import Json

Line = tuple[str, str]  # text, and the style rich gives it
STYLES = {"ok": "green", "failed": "red", "running": "cyan", "": ""}
_MANY = 60  # beyond, steps that went well are counted, not shown


def outcome(step: Json) -> str:
    """`ok`, `failed` or `running`."""
    if step.get("ended_at") is None:
        return "running"
    return "ok" if step.get("ok") else "failed"


def lines(operation: Json, steps: Sequence[Json], now: datetime, *, whole: bool = False) -> list[Line]:
    """A line a step, and one for its message and hint. Unless `whole`, a long timeline shows only what is not done."""
    shown = list(steps) if whole or len(steps) <= _MANY else [s for s in steps if outcome(s) != "ok"]
    width = max((len(str(s.get("name"))) for s in shown), default=0)
    began = operation.get("started_at") or operation.get("created_at")
    found: list[Line] = []
    if len(shown) < len(steps):
        found.append((f"  {len(steps) - len(shown)} steps went well (all of them: --all)", ""))
    for step in shown:
        found.extend(_step(step, began, now, width))
    return found


def _step(step: Json, began: object, now: datetime, width: int) -> list[Line]:
    result = outcome(step)
    end = step.get("ended_at") or now
    offset = duration(seconds_between(began, step.get("started_at")))
    took = duration(seconds_between(step.get("started_at"), end))
    attempt = f" (attempt {step['attempt']})" if int(step.get("attempt") or 1) > 1 else ""
    text = f"  +{offset:>10}  {took:>10}  {result:<7}  {plain(step.get('name')):<{width}}  {plain(step.get('target') or '')}"
    found: list[Line] = [(f"{text.rstrip()}{attempt}", STYLES[result])]
    indent = " " * 37
    if step.get("message"):
        found.append((f"{indent}{_inline(step['message'])}", "" if result == "ok" else STYLES[result]))
    if step.get("hint") and result == "failed":
        found.append((f"{indent}hint: {_inline(step['hint'])}", ""))
    return found


def _inline(text: object) -> str:
    return " ".join(plain(text).split())
