import io
import re

import pytest
from rich.console import Console

from jeroboam.cli.progress import LineProgress, RichProgress, duration, show_progress, size


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_lines_tell_beginning_end_and_reasons() -> None:
    lines: list[str] = []
    progress = LineProgress(lines.append)
    progress.start("download kubelet", total=2048, unit="B")
    progress.advance("download kubelet", 2048)
    progress.finish("download kubelet")
    progress.start("source release")
    progress.finish("source release", note="dl.example does not answer within 3 s")
    assert (lines[0], lines[2:]) == (
        "download kubelet ...",
        ["source release ...", "source release: dl.example does not answer within 3 s"],
    )
    assert re.fullmatch(r"download kubelet: \d\.\d s, 2\.0 KiB", lines[1])


def test_lines_tell_now_and_then_how_far_it_is() -> None:
    lines: list[str] = []
    progress = LineProgress(lines.append, every_s=0)
    progress.start("build etcd", total=3, unit="packages")
    progress.advance("build etcd", note="raft")
    progress.advance("build etcd", 2)
    progress.start("base")
    progress.advance("base", 0, note="16 packages")
    assert lines[1:3] == ["build etcd:  1 of 3 packages  raft", "build etcd:  3 of 3 packages  raft"]
    assert lines[-1] == "base:  16 packages"


def test_bars_show_what_is_under_way_and_leave_a_line_of_what_is_done() -> None:
    console = terminal()
    with RichProgress(console) as progress:
        progress.start("build [etcd]", total=3, unit="packages")
        progress.advance("build [etcd]", 2, note="pkg [x]")
        progress._bars.refresh()
        assert "build [etcd]" in text(console)
        assert "2 of 3 packages" in text(console)
        assert "pkg [x]" in text(console)
        progress.finish("build [etcd]")
        progress.start("source release")
        progress.finish("source release", note="not [there]")
    assert re.search(r"✓ build \[etcd\]: \d\.\d s", text(console))
    assert "• source release: not [there]" in text(console)


@pytest.mark.parametrize("kind", ["lines", "bars"])
def test_calls_about_unknown_tasks_and_a_closed_stream_do_no_harm(kind: str) -> None:
    def closed(_line: str) -> None:
        raise BrokenPipeError

    progress = LineProgress(closed) if kind == "lines" else RichProgress(terminal())
    progress.advance("nothing", 3)
    progress.finish("nothing")
    progress.start("again")
    progress.start("again")
    progress.finish("again")


def test_a_pipe_gets_lines_without_control_codes() -> None:
    stream = io.StringIO()
    with show_progress(stream) as progress:
        progress.start("build pause")
        progress.finish("build pause")
    assert re.fullmatch(r"build pause \.\.\.\nbuild pause: \d\.\d s\n", stream.getvalue())


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (25.4, "25 s"), (59.6, "1 min 0 s"), (303, "5 min 3 s")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (12_500_000, "11.9 MiB"), (3 << 30, "3.0 GiB")],
)
def test_sizes(amount: int, words: str) -> None:
    assert size(amount) == words
