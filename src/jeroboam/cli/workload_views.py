"""What the commands for workloads print, and the wait until all replicas run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from .errors import Interrupted, WaitTimeout
from .options import Common
from .output import plain, show_json, show_table

if TYPE_CHECKING:
    from .workloads import Tool, Wish, Workload


def until_ready(tool: Tool, cluster: str, wish: Wish, timeout_s: float, common: Common) -> Workload:
    """Look until every replica runs, with a line a change. Raises WaitTimeout and Interrupted; the workload stays in both."""
    from .workloads.patience import Patience

    hint = f"`jeroboam ps {cluster} {wish.name}` shows how far it is, `jeroboam stop {cluster} {wish.name}` ends it."
    patience, told, reasons = Patience(timeout_s), "", list[str]()
    try:
        while True:
            found = next((one for one in tool.workloads() if one.name == wish.name), None)
            count, why = _count(wish, found), found.note if found is not None else ""
            if not common.json and (count != told or _is_new(why, reasons)):
                print(plain(f"{count} ({why})" if _is_new(why, reasons) else count), flush=True)
                told, reasons = count, [*reasons, _reason(why)]
            if found is not None and found.ready:
                return found
            patience.pause(f"{f'{count} ({why})' if why else count}; no more", hint=hint)
    except KeyboardInterrupt:
        raise Interrupted(f"Not waiting any more; {wish.name} stays.", hint=hint) from None
    except WaitTimeout as error:
        error.details["workload"] = found.as_json() if found is not None else None
        raise


def _count(wish: Wish, found: Workload | None) -> str:
    return f"{wish.name}: {found.running if found else 0} of {found.wanted if found else wish.replicas} run"


def _is_new(why: str, reasons: Sequence[str]) -> bool:
    """Whether a reason has news: a long one is told once, also where the tool tells it of another replica, or packed into its next."""
    reason = _reason(why)
    return bool(reason) and not any(one and (one in reason or reason in one) for one in reasons)


def _reason(why: str) -> str:
    """Without the replica."""
    return why.partition(": ")[2]


def show_made(made: Workload, cluster: str, common: Common, *, note: str | None, waited: bool) -> None:
    """What `run` did, and the next command."""
    if common.json:
        show_json({**made.as_json(), "note": note or ""})
        return
    if note:
        print(plain(note))
    where = f" at {', '.join(made.ports)}" if made.ports else ""
    count = "1 replica" if made.wanted == 1 else f"{made.wanted} replicas"
    print(plain(f"Workload {made.name}: {count} of {made.image} {f'run{where}' if waited else 'asked for'}."))
    print(f"Next: jeroboam ps {shlex.quote(cluster)} {shlex.quote(made.name)}")


def show_workloads(found: Sequence[Workload], cluster: str) -> None:
    """A row each."""
    rows = [(w.name, w.image, f"{w.running} of {w.wanted}", w.ports, w.note) for w in found]
    nothing = f"Nothing runs. Start something: jeroboam run {shlex.quote(cluster)} --image IMAGE"
    show_table(("NAME", "IMAGE", "RUNNING", "PORTS", "WHY NOT"), rows, nothing=nothing)


def show_replicas(workload: Workload) -> None:
    """A row each."""
    rows = [(r.name, r.node, r.state, r.ports, r.note) for r in workload.replicas]
    show_table(("NAME", "NODE", "STATE", "PORTS", "WHY"), rows, nothing=f"{workload.name} has no replica yet.")


def show_logs(said: Mapping[str, str], workload: Workload) -> None:
    """Lines of several replicas bear the replica's name. Silence is told on stderr: it is no line of a log."""
    if not any(said.values()):
        what = "has printed nothing" if said else f"has not started. {workload.note}".rstrip(". ")
        print(f"{plain(f'{workload.name} {what}')}.", file=sys.stderr)
    for name, text in said.items():
        mark = f"{name} | " if len(said) > 1 else ""
        for line in plain(text).splitlines() if sys.stdout.isatty() else text.splitlines():
            print(f"{mark}{line}")


def pass_on(content: bytes, stream: TextIO) -> None:
    """As it is; on a terminal without control codes."""
    stream.flush()
    if stream.isatty():
        stream.write(plain(content.decode(errors="replace")))
    else:
        stream.buffer.write(content)
    stream.flush()
