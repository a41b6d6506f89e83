"""Following an operation: a scripted service, a clock that only sleeping moves."""

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from rich.console import Console

from jeroboam.cli.address import Address
from jeroboam.cli.client import Client
from jeroboam.cli.errors import Interrupted, Refused, Unreachable, WaitTimeout
from jeroboam.cli.live import latest
from jeroboam.cli.options import show_error
from jeroboam.cli.watch import follow

from .scripted import OPERATION, UUID, operation, step

NODE = "demo-5b2f1a3c-default-worker-0"
Scene = tuple[dict[str, Any], list[dict[str, Any]]]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def playing(scenes: Iterator[Scene | Exception | int]) -> Client:
    """Each poll (operation, then steps) is the next scene; the last one stays."""
    current: list[Scene | Exception | int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(404, json={})
        if not request.url.path.endswith("/steps"):
            current[:] = [next(scenes, current[0] if current else 500)]
        scene = current[0]
        if isinstance(scene, Exception):
            raise scene
        if isinstance(scene, int):
            return httpx.Response(scene, json={})
        return httpx.Response(200, json={"steps": scene[1]} if request.url.path.endswith("/steps") else scene[0])

    return Client(Address("http://127.0.0.1:9511"), transport=httpx.MockTransport(handler))


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


RUNNING = operation(state="running", finished_at=None)


def test_one_line_for_each_change() -> None:
    screen, clock = console(), Clock()
    boot = step(2, "boot", NODE, 1.0, None)
    scenes: list[Scene | Exception | int] = [
        (operation(state="queued", started_at=None, finished_at=None), []),
        (RUNNING, [step(1, "network", "", 0.0, None)]),
        (RUNNING, [step(1, "network", "", 0.0, None)]),
        (RUNNING, [step(1, "network", "", 0.0, 0.9), boot]),
        (
            RUNNING,
            [
                step(1, "network", "", 0.0, 0.9),
                boot | {"ok": False, "ended_at": boot["started_at"], "message": "[red] no\nboot"},
            ],
        ),
        (
            operation(),
            [step(1, "network", "", 0.0, 0.9), boot | {"ok": False, "ended_at": boot["started_at"], "message": "no"}],
        ),
    ]
    final = follow(playing(iter(scenes)), UUID, OPERATION, screen, sleep=clock.sleep, clock=clock)
    assert final == operation()
    assert shown(screen) == (
        "[     0.1 s] network: running\n"
        "[     1.0 s] network: ok in 0.9 s\n"
        f"[     1.1 s] boot {NODE}: running\n"
        f"[     1.1 s] boot {NODE}: failed: [red] no boot\n"
    )
    assert clock.slept[0] == 0.25
    assert all(a < b for a, b in zip(clock.slept, clock.slept[1:], strict=False))


def test_nothing_is_shown_without_a_console(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    follow(playing(iter([(operation(), [])])), UUID, OPERATION, None, sleep=clock.sleep, clock=clock)
    assert capsys.readouterr() == ("", "")


def test_the_wait_has_a_deadline_of_its_own() -> None:
    clock = Clock()
    with pytest.raises(WaitTimeout) as late:
        follow(playing(iter([(RUNNING, [])])), UUID, OPERATION, None, timeout_s=5, sleep=clock.sleep, clock=clock)
    assert clock.now == 5
    assert late.value.message == "The operation is not done within 5 s; it goes on."
    assert late.value.hint == f"Go on with `jeroboam cluster watch {UUID}`."
    assert late.value.details == {"cluster": UUID, "operation": OPERATION}


def test_ctrl_c_leaves_the_operation_running() -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        follow(playing(iter([(RUNNING, [])])), UUID, OPERATION, None, sleep=interrupt)
    assert stopped.value.exit_code == 130
    assert stopped.value.message == f"Not waiting any more; operation {OPERATION} goes on."


def test_ctrl_c_is_told_as_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(Interrupted("Not waiting any more.", hint="Look at it."), as_json=False)
    show_error(WaitTimeout("Too long.", hint="Go on."), as_json=False)
    assert capsys.readouterr().err == "Not waiting any more.\nLook at it.\nError: Too long.\n       Go on.\n"


def test_a_restart_of_the_service_is_waited_out() -> None:
    screen, clock = console(), Clock()
    away: list[Scene | Exception | int] = [
        (RUNNING, []),
        httpx.ConnectError("refused"),
        httpx.ConnectError("refused"),
        503,
        (operation(), []),
    ]
    assert follow(playing(iter(away)), UUID, OPERATION, screen, sleep=clock.sleep, clock=clock)["state"] == "succeeded"
    assert shown(screen) == (
        "No service answers at http://127.0.0.1:9511. Still trying.\n"
        "The service answered with status 503. Still trying.\n"
    )


def test_a_service_that_stays_away_ends_the_wait() -> None:
    clock = Clock()
    with pytest.raises(Unreachable) as away:
        follow(playing(iter([httpx.ConnectError("refused")])), UUID, OPERATION, None, sleep=clock.sleep, clock=clock)
    assert 120 <= clock.now < 123
    assert away.value.message == "No service answers at http://127.0.0.1:9511."
    assert away.value.hint == (
        "Nothing is lost: the operation goes on when the service runs again; "
        f"`jeroboam cluster watch {UUID}` shows it then. "
        "Start one with `jeroboam up`, or name another with --url or --os-cloud."
    )
    assert away.value.details == {"cluster": UUID, "operation": OPERATION}


def test_a_service_that_only_fails_loses_nothing_either() -> None:
    clock = Clock()
    with pytest.raises(Refused) as failed:
        follow(playing(iter([503])), UUID, OPERATION, None, sleep=clock.sleep, clock=clock)
    assert failed.value.hint.startswith("Nothing is lost: the operation goes on when the service runs again; ")


def test_a_refusal_ends_the_wait_at_once() -> None:
    clock = Clock()
    with pytest.raises(Refused):
        follow(playing(iter([404])), UUID, OPERATION, None, sleep=clock.sleep, clock=clock)
    assert clock.slept == []


def on_terminal(scenes: list[Scene | Exception | int]) -> str:
    clock = Clock()
    screen = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None, legacy_windows=False)
    follow(playing(iter(scenes)), UUID, OPERATION, screen, sleep=clock.sleep, clock=clock)
    return shown(screen)


def test_a_terminal_gets_a_row_a_node() -> None:
    steps = [
        step(1, "network", "", 0.0, 0.9),
        step(2, "machine", NODE, 1.0, 2.0),
        step(3, "boot", NODE, 2.0, 8.5, ok=False, message="no space left"),
    ]
    last = on_terminal([(RUNNING, steps[:2]), (operation(state="failed"), steps)]).split("\r")[-1]
    rows = [
        line.rstrip()
        for line in last.replace("\x1b[2K", "").replace("\x1b[1A", "").splitlines()
        if line.strip("\x1b[?25h ")
    ]
    assert rows == [
        "✓ network                            0.9 s",
        f"✗ {NODE}     6.5 s boot: no space left",
        "  create 1 control plane, 2 workers 14.2 s",
    ]


def test_many_nodes_do_not_scroll_the_terminal() -> None:
    steps = [step(number, "boot", f"n{number}", 0.0, None if number == 90 else 1.0) for number in range(100)]
    screen = on_terminal([(operation(), steps)])
    assert "n90" in screen
    assert "and 80 more" in screen


def test_the_latest_step_of_a_node_counts() -> None:
    steps = [step(1, "machine", "n", 0, 1), step(2, "keys", "", 0, 1), step(3, "boot", "n", 1, None)]
    assert [s["id"] for s in latest(steps)] == [3, 2]


def streaming(*pieces: str) -> tuple[Client, list[str]]:
    """A service that tells events, a piece for each of its looks, and what was asked of it."""
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rpartition("/")[2])
        if request.url.path.endswith("/events"):
            told = (piece.encode() for piece in pieces)
            return httpx.Response(200, content=told, headers={"content-type": "text/event-stream"})
        done = [step(1, "network", "", 0.0, 0.9)]
        return httpx.Response(200, json={"steps": done} if asked[-1] == "steps" else operation())

    return Client(Address("http://127.0.0.1:9511"), transport=httpx.MockTransport(handler)), asked


def event(kind: str, document: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps(document)}\n\n"


BEGUN = event("operation", RUNNING)
OPENED = event("step", step(1, "network", "", 0.0, None))
CLOSED = event("step", step(1, "network", "", 0.0, 0.9))


def test_what_the_service_tells_by_itself_is_shown_without_asking() -> None:
    screen, clock = console(), Clock()
    client, asked = streaming(BEGUN, ": alive\n\n", OPENED, CLOSED, event("operation", operation()), event("end", {}))
    assert follow(client, UUID, OPERATION, screen, sleep=clock.sleep, clock=clock)["state"] == "succeeded"
    assert shown(screen).splitlines() == ["[     0.1 s] network: running", "[     1.0 s] network: ok in 0.9 s"]
    assert (asked, clock.slept) == (["events", OPERATION, "steps"], [])


@pytest.mark.parametrize("rest", ["", "event: step\ndata: {\n\n"])
def test_a_stream_that_breaks_is_gone_on_with_by_asking(rest: str) -> None:
    screen, clock = console(), Clock()
    client, asked = streaming(BEGUN, OPENED, rest)
    assert follow(client, UUID, OPERATION, screen, sleep=clock.sleep, clock=clock)["state"] == "succeeded"
    assert shown(screen).splitlines() == ["[     0.1 s] network: running", "[     1.0 s] network: ok in 0.9 s"]
    assert asked == ["events", OPERATION, "steps"]


def times_told(*pieces: str) -> list[str]:
    screen, clock = console(), Clock()
    client, _ = streaming(*pieces, event("operation", operation()), event("end", {}))
    follow(client, UUID, OPERATION, screen, sleep=clock.sleep, clock=clock)
    return shown(screen).splitlines()


def test_what_is_known_at_one_look_is_told_in_the_order_of_its_times() -> None:
    done, going = event("step", step(2, "boot", "a", 2.0, 25.0)), event("step", step(3, "boot", "b", 5.0, None))
    assert times_told(BEGUN + done + going + CLOSED) == [
        "[     1.0 s] network: ok in 0.9 s",
        "[     5.1 s] boot b: running",
        "[    25.1 s] boot a: ok in 23.0 s",
    ]


def test_an_event_that_comes_in_two_parts_is_one() -> None:
    assert times_told(BEGUN + CLOSED[:30], CLOSED[30:]) == ["[     1.0 s] network: ok in 0.9 s"]


def test_what_becomes_known_late_does_not_go_back_in_time() -> None:
    assert times_told(
        BEGUN + event("step", step(1, "boot", "a", 2.0, 3.1)),
        event("step", step(2, "boot", "b", 1.0, None)),
        event("step", step(3, "boot", "c", 1.0, 3.0)),
        event("step", step(2, "boot", "b", 1.0, 4.0)),
    ) == [
        "[     3.2 s] boot a: ok in 1.1 s",
        "[     3.2 s] boot b: running since 1.1 s",
        "[     3.2 s] boot c: ok in 2.0 s",
        "[     4.1 s] boot b: ok in 3.0 s",
    ]
