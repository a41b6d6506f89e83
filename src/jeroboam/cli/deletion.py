"""Deleting several things by name: what can go goes, each is told of, the worst exit code counts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Parameter

from .errors import CliError
from .options import Common, show_error
from .output import plain, show_json
from .timeline import outcome
from .wire import Json

if TYPE_CHECKING:
    from .client import Client

YES = Annotated[bool, Parameter(name=("--yes", "-y"), negative="", show_default=False, help="Do not ask.")]
FORCE = Annotated[
    bool,
    Parameter(
        negative="",
        show_default=False,
        help="For administrators: leave behind what the provider does not let go of within some minutes. It is named, and "
        "`jeroboam orphans` finds it later.",
    ),
]
NOTHING_DONE = 1
T = TypeVar("T")


@dataclass(frozen=True)
class Deletion:
    """How one kind of thing is found by name and deleted; `told` makes the lines about its result."""

    find: Callable[[str], Json]
    delete: Callable[[Json], Json]
    told: Callable[[Json], str]


def delete_each(
    idents: Iterable[str],
    how: Deletion,
    common: Common,
    *,
    question: Callable[[Sequence[Json]], str] | None = None,
    yes: bool = True,
) -> int:
    """Look all of them up, ask the `question` about those that are there unless `yes`, and delete each once."""
    found, worst = _each(dict.fromkeys(idents), how.find, common)
    there = list({str(one["uuid"]): one for one in found}.values())
    if there and question and not confirm(question(there), yes=yes):
        return NOTHING_DONE

    def delete(one: Json) -> Json:
        result = how.delete(one)
        if not common.json:
            print(plain(how.told(result)))
        return result

    done, code = _each(there, delete, common)
    if common.json:
        show_json(done)
    return max(worst, code)


def _each(things: Iterable[T], call: Callable[[T], Json], common: Common) -> tuple[list[Json], int]:
    """What came of each, and the worst exit code; errors are shown as they come. Raises Interrupted."""
    results: list[Json] = []
    worst = 0
    for thing in things:
        try:
            results.append(call(thing))
        except CliError as error:
            if error.exit_code == 130:
                raise
            show_error(error, as_json=common.json)
            worst = max(worst, error.exit_code)
    return results, worst


def reports(client: Client, operation: Json | None) -> Json:
    """`report`: what the timeline of a deletion says was deleted; nothing of one that nobody waited for. `left_behind`: the things that
    a forced one gave up on."""
    steps = client.steps(str(operation["uuid"])) if operation else []
    told = [step for step in steps if step.get("name") == "report" and step.get("message")][-1:]
    left = [line for step in told if outcome(step) == "failed" for line in str(step.get("log") or "").splitlines()]
    return {"report": [str(step["message"]) for step in told], "left_behind": left}


def confirm(question: str, *, yes: bool) -> bool:
    """Ask on a terminal; on a pipe the command is the answer. A no is answered in a line."""
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    print(f"{plain(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        print("\nNothing was deleted.", file=sys.stderr)
        raise
    if answer.strip().lower() in ("y", "yes"):
        return True
    print(f"{'' if answer else chr(10)}Nothing was deleted.", file=sys.stderr)
    return False
