"""The timeline of an operation as lines: when, how long, what, on which node, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from .moments import duration, seconds_between
from .output import plain
from .wire import Json

Line = tuple[str, str]  # text, and the style rich gives it
STYLES = {"ok": "green", "failed": "red", "running": "cyan", "": ""}
_INDENT = " " * 37  # of what is said below a step
_MANY = 60  # beyond, steps that went well are counted, not shown


def outcome(step: Json) -> str:
    """`ok`, `failed` or `running`."""
    if step.get("ended_at") is None:
        return "running"
    return "ok" if step.get("ok") else "failed"


def lines(
    operation: Json, steps: Sequence[Json], now: datetime, *, whole: bool = False, told: Collection[str] = ()
) -> list[Line]:
    """A line a step, and one for its message and hint unless it is `told` elsewhere. Unless `whole`, a long timeline shows only what is
    not done; `whole`, a deletion's report names all."""
    shown = list(steps) if whole or len(steps) <= _MANY else [s for s in steps if outcome(s) != "ok"]
    width = max((len(str(s.get("name"))) for s in shown), default=0)
    began = operation.get("started_at") or operation.get("created_at")
    found: list[Line] = []
    if len(shown) < len(steps):
        found.append((f"  {len(steps) - len(shown)} steps went well (all of them: --all)", ""))
    for step in shown:
        found.extend(_step(step, began, now, width, told))
        if whole and step.get("name") == "report":
            found.extend((f"{_INDENT}{plain(line)}", "") for line in str(step.get("log") or "").splitlines())
    return found


def _step(step: Json, began: object, now: datetime, width: int, told: Collection[str]) -> list[Line]:
    result = outcome(step)
    end = step.get("ended_at") or now
    offset = duration(seconds_between(began, step.get("started_at")))
    took = duration(seconds_between(step.get("started_at"), end))
    attempt = f" (attempt {step['attempt']})" if int(step.get("attempt") or 1) > 1 else ""
    text = f"  +{offset:>10}  {took:>10}  {result:<7}  {plain(step.get('name')):<{width}}  {plain(step.get('target') or '')}"
    found: list[Line] = [(f"{text.rstrip()}{attempt}", STYLES[result])]
    message, hint = one_line(step.get("message")), one_line(step.get("hint"))
    if message and message not in told:
        found.append((f"{_INDENT}{message}", "" if result == "ok" else STYLES[result]))
    if hint and hint not in told and result == "failed" and not leads_here(hint):
        found.append((f"{_INDENT}hint: {hint}", ""))
    return found


def one_line(text: object) -> str:
    """Text of the service without line breaks; "" for none."""
    return " ".join(plain(text or "").split())


def sentence(text: str) -> str:
    """With a full stop at its end."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def leads_here(hint: str) -> bool:
    """Whether the hint advises the very command that shows this timeline."""
    return "`jeroboam cluster why`" in hint
