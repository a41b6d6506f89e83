"""The demo's calls and its service: what counts as an answer, and which process is ours."""

import itertools
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from jeroboam.admin.demo.commands import _elsewhere, _framed
from jeroboam.admin.demo.course import CommandFailed, Course
from jeroboam.admin.demo.kubernetes import KubernetesDemo
from jeroboam.admin.demo.service import DemoService, _is_ours


def calls(tmp_path: Path, *outputs: str) -> list[str]:
    """A program that says the first at its first call, and so on; a line `!` at the end makes it fail."""
    for number, text in enumerate(outputs):
        (tmp_path / str(number)).write_text(text)
    program = (
        "import pathlib, sys; folder = pathlib.Path(sys.argv[1]); file = min(folder.glob('[0-9]'))\n"
        "text = file.read_text(); len(list(folder.glob('[0-9]'))) > 1 and file.unlink()\n"
        "print(text.removesuffix('!'), end=''); sys.exit(text.endswith('!'))"
    )
    return [sys.executable, "-c", program, str(tmp_path)]


def lines(*nodes: str) -> str:
    return "".join(f'{{"host": "pod-{number}", "node": "{node}"}}\n' for number, node in enumerate(nodes))


ALL = lines(*["one", "two"] * 6)


@pytest.mark.parametrize(
    "first", [lines("one", "two") + "!", lines(*["one"] * 12), "a warning of a tool\n" + lines("one"), ""]
)
def test_it_calls_again_until_every_worker_has_answered_every_call(
    first: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Course().answers("call", calls(tmp_path, first, "a warning of a tool\n" + ALL), 2, "pods")
    assert capsys.readouterr().out.splitlines()[-1] == "12 answers from 12 pods on 2 of 2 workers."


def test_a_worker_that_never_answers_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as error:
        Course(answers_s=0).answers("call", calls(tmp_path, lines(*["one"] * 12)), 2, "pods")
    assert error.value.message == (
        "Not every worker answered within 0 s. At last 12 of 12 calls were answered, by 1 of 2 workers."
    )
    assert error.value.hint == "`jeroboam cluster why demo` tells how its nodes are."


def test_it_waits_for_a_worker_that_the_others_hear_of_late_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nodes of a swarm compare all they know every 30 s; what one has not heard of before, it hears then."""
    now = itertools.count(0, 10)
    monkeypatch.setattr(
        "jeroboam.admin.demo.course.time", SimpleNamespace(monotonic=lambda: next(now), sleep=lambda _: None)
    )
    half = lines(*["one"] * 12)
    Course().answers("call", calls(tmp_path, half, half, half, half, ALL), 2, "containers")
    told = capsys.readouterr().out.splitlines()
    assert told[1] == "12 of 12 calls were answered, by 1 of 2 workers so far; called again for at most 75 s."
    assert (told[-1], len(told)) == ("12 answers from 12 containers on 2 of 2 workers.", 15)


def test_kubectl_leaves_nothing_outside_the_folder_of_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jeroboam.admin.demo.kubernetes._kubectl", lambda _: "kubectl")
    monkeypatch.setattr(Course, "jeroboam", lambda *_: None)
    course = Course(environment={})
    KubernetesDemo(None, DemoService(tmp_path)).enter(course)
    assert course.environment == {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "KUBECACHEDIR": str(tmp_path / "kubectl-cache"),
    }


def test_what_a_command_made_is_its_own_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert Course().made("image", "versions")[0]["version"] == "v1.34.4"
    assert capsys.readouterr().out == "$ jeroboam image versions\n"
    with pytest.raises(CommandFailed, match=r"9\.9` ended with exit code 1\.$"):
        Course().made("image", "build", "--kubernetes", "9.9")


def test_a_process_is_the_service_of_a_folder_only_by_its_own_words(tmp_path: Path) -> None:
    folder = tmp_path / "jeroboam-demo"
    program = "import time; print('up', flush=True); time.sleep(60)"
    argv = [sys.executable, "-c", program, "up", "--data", str(folder), "--port", "9511"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"  # before, its words may not be there yet
        assert _is_ours(process.pid, folder)
        assert not _is_ours(process.pid, tmp_path / "jeroboam")  # a folder whose name begins like it
        assert not _is_ours(os.getpid(), folder)
    finally:
        process.kill()
        process.communicate(timeout=10)
    assert not _is_ours(process.pid, folder)


def test_a_command_that_does_not_end_is_told_by_the_words_that_were_shown() -> None:
    with pytest.raises(CommandFailed) as error:
        Course().hear("kubectl wait", [sys.executable, "-c", "import time; time.sleep(60)"], within_s=0.1)
    assert error.value.message == "`kubectl wait` did not end within 0.1 s."
    assert error.value.hint == "`jeroboam cluster why demo` tells how far it is."


def _interrupted() -> None:
    raise KeyboardInterrupt


def test_ctrl_c_says_what_goes_on_and_how_to_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert _framed(_interrupted) == 130
    assert capsys.readouterr().err == (
        "\nStopped. Nothing of the demo runs; what was built is kept, and the same command goes on from there.\n"
    )
    folder = tmp_path / "jeroboam-demo"
    folder.mkdir()
    program = "import time; print('up', flush=True); time.sleep(60)"
    argv = [sys.executable, "-c", program, "up", "--data", str(folder)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        (folder / "lock").write_text(f"{process.pid}\n")
        assert _framed(_interrupted) == 130
        assert capsys.readouterr().err == (
            "\nStopped. The demo's service goes on running, and what it made; `jeroboam demo clean` (or `make demo-clean`) "
            "removes it all.\n"
        )
    finally:
        process.kill()
        process.communicate(timeout=10)


def test_a_service_on_another_port_says_who_has_the_usual_one() -> None:
    assert _elsewhere("pid 4711 (nginx)") == (
        "Port 9511 is taken by pid 4711 (nginx), so the demo's service has another. Commands find it by JEROBOAM_URL."
    )
    assert _elsewhere("").startswith("Port 9511 is taken, so the")


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.mark.sockets
def test_a_service_of_somebody_else_at_the_noted_place_is_not_taken_for_the_demos(tmp_path: Path) -> None:
    folder = tmp_path / "jeroboam-demo"
    folder.mkdir()
    service = DemoService(folder)
    program = f"import time; time.sleep(60)  # up --data {folder}"
    ours = subprocess.Popen([sys.executable, "-c", program, "up", "--data", str(folder)])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Healthy) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{stranger.server_address[1]}"
        try:
            (folder / "service.json").write_text(json.dumps({"pid": ours.pid, "url": url}))
            assert service.url == url
            (folder / "service.json").write_text(json.dumps({"pid": os.getpid(), "url": url}))
            assert service.url is None
            ours.kill()
            ours.wait(20)
            (folder / "service.json").write_text(json.dumps({"pid": ours.pid, "url": url}))
            assert service.url is None
        finally:
            ours.kill()
            ours.wait(20)
            stranger.shutdown()
