"""Two builds at once, and builds that are killed: the cache stays whole and the next run goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jeroboam.artifacts.cache import Cache
from jeroboam.artifacts.catalogue import catalogue
from jeroboam.artifacts.sources import Wanted

from .file_site import FileSite, sha256

CHILD = Path(__file__).with_name("building_child.py")
PAUSE = Wanted("pause", "1", "amd64", catalogue().parts["pause"]["1"])
needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the child; whatever still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(*argv: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, str(CHILD), *argv], stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def obtain(root: Path, *words: object) -> tuple[str, str]:
    return ("obtain", json.dumps([str(root), *words]))


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@needs_go
def test_two_processes_build_a_part_once(start: Start, cache: Cache) -> None:
    both = [start(*obtain(cache.root, "pause", "1", [], ["modules"], {})) for _ in range(2)]
    said = "".join(process.communicate(timeout=100)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said.count("finish build pause 1\n") == 1
    assert cache.find("pause", "1", "amd64", ("pause",), PAUSE.recipe) == cache.root / "bin" / "pause" / "1" / "amd64"


@needs_go
def test_a_killed_build_leaves_nothing_half_and_the_next_one_builds(start: Start, cache: Cache) -> None:
    first = start(*obtain(cache.root, "pause", "1", [], ["modules"], {}))
    assert first.stdout is not None
    assert first.stdout.readline() == "start build pause 1: modules\n"
    first.kill()
    first.wait(timeout=10)
    assert cache.find("pause", "1", "amd64", ("pause",), PAUSE.recipe) is None
    second = start(*obtain(cache.root, "pause", "1", [], ["modules"], {}))
    assert "finish build pause 1\n" in second.communicate(timeout=100)[0]
    pause = cache.root / "bin" / "pause" / "1" / "amd64" / "pause"
    assert subprocess.run([pause, "-v"], capture_output=True, text=True, timeout=10).stdout == "pause (jeroboam) 1\n"


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is not installed")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_a_build_runs_ends_with_it(start: Start, how: signal.Signals, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = start("run", "sh", "-c", f"echo $$ >{note}.new && mv {note}.new {note} && exec sleep 200")
    until(note.exists, "the program did not start")
    program = int(note.read_text())
    child.send_signal(how)
    child.wait(timeout=10)
    until(lambda: not _runs(program), "the program outlived its build")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()  # a zombie has no words
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.sockets
def test_a_killed_download_goes_on_in_the_next_run(start: Start, site: FileSite, cache: Cache) -> None:
    content, path = os.urandom(2_000_000), "/release/v1.34.4/bin/linux/amd64/kubelet"
    site.files = {path: content, f"{path}.sha256": sha256(content).encode()}
    site.slow_s = 0.05
    words = obtain(
        cache.root,
        "kubernetes",
        "v1.34.4",
        ["kubelet"],
        ["release"],
        dict.fromkeys(("kubernetes", "etcd", "coredns", "flannel"), f"{site.url}/release"),
    )
    first = start(*words)
    part = cache.root / "downloads" / f"{sha256(content)}.part"
    until(lambda: part.exists() and part.stat().st_size > 300_000, "nothing was downloaded")
    first.kill()
    first.wait(timeout=10)
    kept = part.stat().st_size
    assert 300_000 < kept < 2_000_000
    site.slow_s = 0
    second = start(*words)
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert site.gets() == [(path, ""), (path, f"bytes={kept}-")]
    assert (cache.root / "bin/kubernetes/v1.34.4/amd64/kubelet").read_bytes() == content
    assert not list((cache.root / "downloads").iterdir())
