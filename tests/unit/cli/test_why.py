"""The report, word for word."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jeroboam.cli import timeline
from jeroboam.cli.moments import duration, seconds_between
from jeroboam.cli.output import cell, plain
from jeroboam.cli.why import Report, next_command, operation_lines, render

from .scripted import cluster, operation, step

NOW = datetime(2026, 1, 2, 3, 4, 15, 100_000, tzinfo=UTC)
NODE = "demo-5b2f1a3c-default-worker-0"
FAILED_STEPS = [
    step(1, "keys", "", 0.0, 0.1),
    step(2, "network", "", 0.1, 1.3),
    step(3, "machine", NODE, 1.3, 3.3, message="container started"),
    step(
        4,
        "boot",
        NODE,
        3.3,
        14.2,
        ok=False,
        attempt=2,
        message=f"{NODE}: bootstrap step kubelet failed:\nno space left",
        error_class="operator",
        hint="Free some disk.",
        log="one\ntwo\x1b[31m red\x1b[0m\n\nlast",
    ),
]


def text(report: Report, **options: Any) -> str:
    return "\n".join(line for line, _ in render(report, **options)) + "\n"


def failed(**changes: Any) -> Report:
    return Report(
        cluster(status="CREATE_FAILED", status_reason=f"{NODE}: no space left", health_status=None),
        operation(
            state="failed", error=f"{NODE}: no space left", error_class="operator", hint="Free some disk.", **changes
        ),
        FAILED_STEPS,
        NOW,
    )


def test_a_failed_creation() -> None:
    assert text(failed()) == """\
demo  CREATE_FAILED  5b2f1a3c-0000-4000-8000-000000000001

create 1 control plane, 2 workers: failed after 14.2 s
  asked 2026-01-02 03:04:05 UTC, request req-11111111-0000-4000-8000-000000000004
  +     0.0 s       0.1 s  ok       keys
  +     0.1 s       1.2 s  ok       network
  +     1.3 s       2.0 s  ok       machine  demo-5b2f1a3c-default-worker-0
                                     container started
  +     3.3 s      10.9 s  failed   boot     demo-5b2f1a3c-default-worker-0 (attempt 2)
                                     demo-5b2f1a3c-default-worker-0: bootstrap step kubelet failed: no space left

Last console lines of demo-5b2f1a3c-default-worker-0:
  | one
  | two red
  |
  | last

Why: demo-5b2f1a3c-default-worker-0: no space left.
Whose move: the operator's of this service (on your own machine: yours). Trying again helps once the cause is gone.
Hint: Free some disk.
Next: jeroboam cluster retry demo --wait
"""  # fmt: skip


def test_a_reason_is_said_once_and_no_hint_leads_here() -> None:
    hint = "The node's last console lines are in the timeline (`jeroboam cluster why`)."
    error = f"{NODE}: bootstrap step join failed: no space left"
    broken = Report(
        cluster(status="CREATE_FAILED", status_reason=f"{error}. {hint}", health_status="HEALTHY"),
        operation(state="failed", error=error, error_class="operator", hint=hint),
        [step(1, "boot", NODE, 0.0, 1.0, ok=False, message=error, hint=hint)],
        NOW,
    )
    shown = text(broken)
    assert shown.count("no space left") == 1
    assert f"\nWhy: {error}.\n" in shown
    assert "cluster why" not in shown
    assert "HEALTHY" not in shown


def test_a_reason_that_the_operation_does_not_give_stands_at_the_head() -> None:
    report = Report(cluster(status="UPDATE_FAILED", status_reason="no room"), operation(state="succeeded"), [], NOW)
    assert text(report).splitlines()[1] == "  no room."


def test_a_running_creation() -> None:
    steps = [step(1, "keys", "", 0.0, 0.1), step(2, "boot", NODE, 3.3, None)]
    report = Report(
        cluster(status="CREATE_IN_PROGRESS", health_status=None),
        operation(state="running", finished_at=None),
        steps,
        NOW,
    )
    assert text(report) == """\
demo  CREATE_IN_PROGRESS  5b2f1a3c-0000-4000-8000-000000000001

create 1 control plane, 2 workers: runs for 10.1 s
  asked 2026-01-02 03:04:05 UTC, request req-11111111-0000-4000-8000-000000000004
  +     0.0 s       0.1 s  ok       keys
  +     3.3 s       6.7 s  running  boot  demo-5b2f1a3c-default-worker-0

Whose move: the service's. It is at work.
Next: jeroboam cluster watch demo
"""  # fmt: skip


def test_a_healthy_cluster() -> None:
    assert text(Report(cluster(), operation(), [], NOW)) == """\
demo  CREATE_COMPLETE  5b2f1a3c-0000-4000-8000-000000000001
  health: HEALTHY

create 1 control plane, 2 workers: succeeded after 14.2 s
  asked 2026-01-02 03:04:05 UTC, request req-11111111-0000-4000-8000-000000000004

Whose move: nobody's. Nothing is under way.
Next: jeroboam cluster config demo
"""  # fmt: skip


def test_an_ailing_cluster_names_what_is_not_well() -> None:
    sick = cluster(
        health_status="UNHEALTHY", health_status_reason={"api": "ok", "w0.Ready": "True", "w1.Ready": "False"}
    )
    assert "  health: UNHEALTHY (w1.Ready=False)\n" in text(Report(sick, operation(), [], NOW))


def test_what_ails_a_node_is_told_with_whose_move_it_is() -> None:
    reasons = {
        "api": "ok",
        "w0.Ready": "True",
        "w1.Ready": "True",
        "w1.Reason": "its disk is full",
        "class": "user",
        "hint": "Remove data.",
    }
    sick = cluster(health_status="UNHEALTHY", health_status_reason=reasons)
    assert text(Report(sick, operation(), [], NOW)) == """\
demo  CREATE_COMPLETE  5b2f1a3c-0000-4000-8000-000000000001
  health: UNHEALTHY
    w1: its disk is full

create 1 control plane, 2 workers: succeeded after 14.2 s
  asked 2026-01-02 03:04:05 UTC, request req-11111111-0000-4000-8000-000000000004

Whose move: yours.
Hint: Remove data.
"""  # fmt: skip


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ("", "Whose move: the operator's of this service (on your own machine: yours).\nHint: Heal it.\nNext: HEAL\n"),
        (
            "not done: w1: so",
            "Whose move: the operator's of this service (on your own machine: yours).\nHint: Heal it.\n",
        ),
        ("from 03:10 UTC on", "Whose move: the service's. It heals what is not well, by itself.\nNext: HEAL\n"),
    ],
)
def test_a_node_that_is_lost_is_healed_by_the_next_command_unless_that_is_refused(told: str, end: str) -> None:
    reasons = {
        "api": "ok",
        "w1.Ready": "False",
        "w1.Reason": "its machine is gone",
        "class": "operator",
        "hint": "Heal it.",
    }
    reasons |= {"auto_healing": told} if told else {}
    report = Report(cluster(health_status="UNHEALTHY", health_status_reason=reasons), operation(), [], NOW)
    said = text(report)
    shown = f"    healing by itself: {told}\n" if told else ""
    assert f"  health: UNHEALTHY\n    w1: its machine is gone\n{shown}\n" in said
    assert said.endswith("\n" + end.replace("HEAL", "jeroboam cluster heal demo --wait"))


def test_a_deleted_cluster() -> None:
    gone = operation(verb="delete", summary="delete the cluster")
    assert (
        text(Report(None, gone, [], NOW)).splitlines()[0] == "Cluster 5b2f1a3c-0000-4000-8000-000000000001 is deleted."
    )
    assert next_command(Report(None, gone, [], NOW)) == ""


def test_a_deletion_that_left_something_behind_says_whose_move_it_is() -> None:
    told = "deleted: nothing was there; left behind: 1 network (n); the project is locked."
    log = "network n (id 7)"
    row = step(2, "report", "", 0.2, 0.3, ok=False, message=told, hint="orphans", log=log, error_class="operator")
    gone = operation(verb="delete", kind="delete", summary="delete 3 nodes by force")
    report = Report(None, gone, [step(1, "cleanup", "", 0.0, 0.1), row], NOW)
    lines = text(report).splitlines()
    assert lines[0] == "Cluster 5b2f1a3c-0000-4000-8000-000000000001 is deleted."
    assert lines[-3:] == [
        f"Why: {told}",
        "Whose move: the operator's of this service (on your own machine: yours). Trying again helps once the cause is gone.",
        "Next: jeroboam orphans 5b2f1a3c-0000-4000-8000-000000000001 --remove",
    ]
    assert log not in text(report)
    assert log in text(report, whole=True)
    assert "Last console lines" not in text(report, whole=True)


def test_no_operation_at_all() -> None:
    assert "No operation is recorded for it.\n" in text(Report(cluster(), None, [], NOW))


@pytest.mark.parametrize(
    ("error_class", "move"),
    [
        ("user", "yours. The request cannot be served as it stands; change what is named above."),
        ("transient", "nobody's. This kind of failure passes by itself; try again."),
        ("bug", "the developers'. Report it with the request id above."),
        (None, "the developers'. Report it with the request id above."),
    ],
)
def test_whose_move(error_class: str | None, move: str) -> None:
    report = Report(cluster(), operation(state="failed", error_class=error_class), [], NOW)
    assert f"Whose move: {move}\n" in text(report)


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("UPDATE_FAILED", "jeroboam cluster retry demo --wait"),
        ("DELETE_FAILED", "jeroboam cluster delete demo --wait"),
        ("UPDATE_COMPLETE", "jeroboam cluster config demo"),
        ("DELETE_IN_PROGRESS", "jeroboam cluster watch demo"),
    ],
)
def test_the_next_command(status: str, command: str) -> None:
    assert next_command(Report(cluster(status=status), operation(), [], NOW)) == command


@pytest.mark.parametrize(
    ("error_class", "command"), [("user", "delete"), ("operator", "retry"), ("transient", "retry"), ("bug", "retry")]
)
def test_a_creation_is_retried_unless_its_maker_has_to_change_it(error_class: str, command: str) -> None:
    report = Report(cluster(status="CREATE_FAILED"), operation(state="failed", error_class=error_class), [], NOW)
    assert next_command(report) == f"jeroboam cluster {command} demo --wait"


def test_what_was_cancelled_goes_on_by_a_retry() -> None:
    stopped = operation(state="cancelled", error="Stopped: cancelled by request req-2.")
    report = Report(cluster(status="CREATE_FAILED"), stopped, [], NOW)
    assert "create 1 control plane, 2 workers: cancelled after 14.2 s\n" in text(report)
    assert text(report).endswith("Next: jeroboam cluster retry demo --wait\n")


def test_a_long_timeline_counts_what_went_well() -> None:
    steps = [step(number, "machine", f"n{number}", 0.0, 0.1) for number in range(100)]
    steps.append(step(100, "boot", "n7", 0.2, 0.4, ok=False, message="no"))
    lines = [line for line, _ in operation_lines(Report(None, operation(), steps, NOW))]
    assert lines[2:] == [
        "  100 steps went well (all of them: --all)",
        "  +     0.2 s       0.2 s  failed   boot  n7",
        "                                     no",
    ]
    assert len(operation_lines(Report(None, operation(), steps, NOW), whole=True)) == 2 + 102


def test_only_the_last_console_lines_are_shown() -> None:
    assert "Last console lines of demo-5b2f1a3c-default-worker-0:\n  | last\n\nWhy" in text(failed(), console_lines=1)
    assert "  |" not in text(failed(), console_lines=0)


def test_the_report_for_programs() -> None:
    report = failed()
    assert report.as_json() == {
        "cluster": report.cluster,
        "operation": report.operation,
        "steps": FAILED_STEPS,
        "whose_move": "operator",
        "next": "jeroboam cluster retry demo --wait",
    }


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.9, "1 h 00 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_times_that_are_missing_or_odd() -> None:
    assert seconds_between(None, NOW) is None
    assert seconds_between("yesterday", NOW) is None
    assert seconds_between("2026-01-02T03:04:16+00:00", NOW) == 0.0
    assert seconds_between("2026-01-02T03:04:05", NOW) == pytest.approx(10.1)


def test_outcomes() -> None:
    assert [timeline.outcome(s) for s in FAILED_STEPS] == ["ok", "ok", "ok", "failed"]
    assert timeline.outcome(step(1, "x", "", 0, None)) == "running"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("a\x1b[2Jb\x07\x00", "ab"), ("\x1b]0;title\x07x", "x"), ("a\r\nb\tc", "a\nb\tc"), ("\x9b31m", "31m"), (7, "7")],
)
def test_text_of_others_cannot_steer_the_terminal(raw: object, shown: str) -> None:
    assert plain(raw) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ({}, "-"),
        (0, "0"),
        (True, "yes"),
        ({"a": "1", "b": 2}, "a=1, b=2"),
        (["x", "y"], "x, y"),
        ("[b]x", "[b]x"),
    ],
)
def test_cells(value: object, shown: str) -> None:
    assert cell(value) == shown
