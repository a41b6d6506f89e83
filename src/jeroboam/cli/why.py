"""Why it failed, or what it is doing: the answer from status, latest operation and timeline, with whose move it is and the next command."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from . import ailing
from .errors import Refused
from .moments import duration, parse, seconds_between
from .output import plain
from .timeline import Line, leads_here, lines, one_line, outcome, sentence
from .wire import Json

if TYPE_CHECKING:
    from rich.console import Console

    from .client import Client

FINAL = ("succeeded", "failed", "cancelled", "superseded")
CONSOLE_LINES = 20
_MOVES = {
    "user": "yours. The request cannot be served as it stands; change what is named above.",
    "operator": "the operator's of this service (on your own machine: yours). Trying again helps once the cause is gone.",
    "transient": "nobody's. This kind of failure passes by itself; try again.",
    "bug": "the developers'. Report it with the request id above.",
}


@dataclass(frozen=True)
class Report:
    """What there is to say about a cluster. `cluster` is None when it is gone, `operation` when nothing is recorded."""

    cluster: Json | None
    operation: Json | None
    steps: list[Json]
    now: datetime
    handle: str = ""  # what commands call the cluster

    def as_json(self) -> Json:
        """For programs: the documents as the API gives them, and what we make of them."""
        return {
            "cluster": self.cluster,
            "operation": self.operation,
            "steps": self.steps,
            "whose_move": _mover(self),
            "next": next_command(self),
        }


def gather(client: Client, ident: str, operation: Json | None = None) -> Report:
    """Ask for all of it. A cluster that is gone is found by its uuid. Raises what the client raises."""
    cluster: Json | None = None
    try:
        cluster = client.cluster(ident)
        operations = client.operations(cluster["uuid"])
    except Refused as error:
        if error.status != 404:
            raise
        cluster = None
        operations = _operations_of_gone(client, ident, error)
    latest = operation or (operations[0] if operations else None)
    steps = client.steps(latest["uuid"]) if latest else []
    handle = client.handle(cluster) if cluster else ""
    return Report(cluster, latest, steps, client.now(), handle)


def _operations_of_gone(client: Client, ident: str, error: Refused) -> list[Json]:
    try:
        operations = client.operations(ident)
    except Refused as again:
        if again.status != 404:
            raise
        operations = []
    if not operations:
        hint = "A cluster that is gone is found by its uuid only; `jeroboam cluster list` shows those that exist."
        raise Refused(error.message, status=404, request_id=error.request_id, hint=hint) from None
    return operations


def render(report: Report, *, console_lines: int = CONSOLE_LINES, whole: bool = False) -> list[Line]:
    """The report as lines."""
    return [*_head(report), ("", ""), *operation_lines(report, console_lines, whole=whole), ("", ""), *_verdict(report)]


def operation_lines(report: Report, console_lines: int = CONSOLE_LINES, *, whole: bool = False) -> list[Line]:
    """The part about the operation: its timeline and what failed nodes said last."""
    if report.operation is None:
        return [("No operation is recorded for it.", "")]
    return [*_operation(report, whole=whole), *_consoles(report.steps, console_lines)]


def show(lines_: list[Line], console: Console) -> None:
    """Print lines as they are: the terminal folds them, nothing is cut."""
    for text, style in lines_:
        console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)


def next_command(report: Report) -> str:
    """The command to try next, "" when there is nothing to do."""
    if report.cluster is None:
        left = _left_behind(report)
        return (
            f"jeroboam orphans {shlex.quote(str((report.operation or {}).get('cluster_uuid')))} --remove"
            if left
            else ""
        )
    name = shlex.quote(report.handle or str(report.cluster.get("name") or report.cluster.get("uuid")))
    status = str(report.cluster.get("status"))
    if status.endswith("_IN_PROGRESS"):
        return f"jeroboam cluster watch {name}"
    if status == "DELETE_FAILED" or (status == "CREATE_FAILED" and _mover(report) == "user"):
        return f"jeroboam cluster delete {name} --wait"  # what its maker must change of a new cluster is its making
    if status.endswith("_FAILED"):
        return f"jeroboam cluster retry {name} --wait"
    if ailing.may_be_healed(report.cluster):
        return f"jeroboam cluster heal {name} --wait"
    if ailing.of(report.cluster):
        return ""  # the hint says it
    return f"jeroboam cluster config {name}"


def _head(report: Report) -> list[Line]:
    if report.cluster is None:
        uuid = report.operation.get("cluster_uuid") if report.operation else "?"
        gone = report.operation is not None and report.operation.get("state") == "succeeded"
        return [(f"Cluster {plain(uuid)} {'is deleted' if gone else 'is gone'}.", "bold")]
    cluster = report.cluster
    status, health = str(cluster.get("status")), cluster.get("health_status")
    style = "red" if status.endswith("_FAILED") else "cyan" if status.endswith("_IN_PROGRESS") else "green"
    found: list[Line] = [
        (f"{plain(cluster.get('name'))}  {plain(status)}  {plain(cluster.get('uuid'))}", f"bold {style}")
    ]
    reason = one_line(cluster.get("status_reason"))
    if reason and not _verdict_tells(report, reason):
        found.append((f"  {sentence(reason)}", ""))
    if health and status != "CREATE_FAILED":
        found.append((f"  health: {plain(health)}{ailing.briefly(cluster)}", "red" if health == "UNHEALTHY" else ""))
        found += [(f"    {plain(name)}: {one_line(why)}", "") for name, why in ailing.causes(cluster)]
    if told := ailing.healing(cluster):
        found.append((f"    healing by itself: {one_line(told)}", ""))
    return found


def _verdict_tells(report: Report, reason: str) -> bool:
    """Whether the lines at the end will say this reason of the cluster's status."""
    error = one_line((report.operation or {}).get("error"))
    return bool(error) and _mover(report) in _MOVES and reason.startswith(error.rstrip("."))


def _operation(report: Report, *, whole: bool) -> list[Line]:
    operation = report.operation or {}
    state = str(operation.get("state"))
    took = duration(seconds_between(operation.get("created_at"), operation.get("finished_at") or report.now))
    words = {
        "queued": f"waits for {took}",
        "running": f"runs for {took}",
        "succeeded": f"succeeded after {took}",
        "failed": f"failed after {took}",
        "cancelled": f"cancelled after {took}",
    }
    what = plain(operation.get("summary") or operation.get("kind"))
    asked = parse(operation.get("created_at"))
    when = f"{asked:%Y-%m-%d %H:%M:%S} UTC" if asked else "-"
    style = "red" if state == "failed" else ""
    found: list[Line] = [
        (f"{what}: {words.get(state, f'{state} after {took}')}", f"bold {style}".strip()),
        (f"  asked {when}, request {plain(operation.get('request_id') or '-')}", ""),
    ]
    found.extend(lines(operation, report.steps, report.now, whole=whole, told=_told_below(report)))
    return found


def _told_below(report: Report) -> frozenset[str]:
    """What the verdict will say, so that the timeline need not."""
    operation = report.operation or {}
    if left := _left_behind(report):
        return frozenset({one_line(left.get("message")), one_line(left.get("hint"))})
    if operation.get("state") != "failed":
        return frozenset()
    return frozenset({one_line(operation.get("error")), one_line(operation.get("hint"))})


def _consoles(steps: list[Json], count: int) -> list[Line]:
    found: list[Line] = []
    latest = {
        s.get("target"): s for s in steps if outcome(s) == "failed" and s.get("log") and s.get("name") != "report"
    }
    for node, step in latest.items() if count else ():
        found += [("", ""), (f"Last console lines of {plain(node)}:", "bold")]
        found += [(f"  | {plain(line)}".rstrip(), "") for line in str(step["log"]).splitlines()[-count:]]
    return found


def _left_behind(report: Report) -> Json | None:
    """The report of a deletion that was forced and gave up on something."""
    told = [step for step in report.steps if step.get("name") == "report"][-1:]
    return told[0] if told and outcome(told[0]) == "failed" else None


def _mover(report: Report) -> str:
    """user, operator, transient, bug; service while it works; nobody when all is well."""
    operation = report.operation or {}
    if operation.get("state") == "succeeded" and _left_behind(report):
        return "operator"
    if operation.get("state") == "failed":
        return str(operation.get("error_class") or "bug")
    if operation.get("state") in ("queued", "running"):
        return "service"
    if ailing.heals_itself(report.cluster):
        return "service"
    return ailing.of(report.cluster).get("class", "nobody")


def _verdict(report: Report) -> list[Line]:
    operation, mover = report.operation or {}, _mover(report)
    found: list[Line] = []
    if mover == "service" and operation.get("state") not in ("queued", "running"):
        found.append(("Whose move: the service's. It heals what is not well, by itself.", ""))
    elif mover == "service":
        waiting = operation.get("cancel_requested")
        found.append((f"Whose move: the service's. It {'stops this operation' if waiting else 'is at work'}.", ""))
    elif mover != "nobody" and operation.get("state") != "failed" and not _left_behind(report):
        found.append((f"Whose move: {ailing.MOVES.get(mover, _MOVES['bug'])}", ""))
        if hint := one_line(ailing.of(report.cluster).get("hint")):
            found.append((f"Hint: {hint}", ""))
    elif mover != "nobody":
        if why := operation.get("error") or (_left_behind(report) or {}).get("message"):
            found.append((f"Why: {sentence(one_line(why))}", "red"))
        found.append((f"Whose move: {_MOVES.get(mover, _MOVES['bug'])}", ""))
        hint = one_line(operation.get("hint"))
        if hint and not leads_here(hint):
            found.append((f"Hint: {hint}", ""))
    else:
        found.append(("Whose move: nobody's. Nothing is under way.", ""))
    if command := next_command(report):
        found.append((f"Next: {command}", "bold"))
    return found
