import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jeroboam import bootstrap
from jeroboam.bootstrap.script import ROOT, STATE, WATCH_S, render_run
from jeroboam.contracts import Command, File, NodeConfig, NodeProgress

CONFIG = NodeConfig(
    "node-1",
    (File("/etc/secret", b"hush", 0o600), File("/etc/a", b"\x00\xff")),
    (Command("one", ("true",)), Command("two", ("true",), background=True)),
)


def test_the_tar_holds_the_files_with_their_modes_and_is_the_same_each_time() -> None:
    data = bootstrap.render_tar(CONFIG)
    assert data == bootstrap.render_tar(CONFIG)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        modes = {member.name: (member.mode, member.uid) for member in tar}
        assert modes == {"etc/a": (0o644, 0), "etc/jeroboam/node/run": (0o700, 0), "etc/secret": (0o600, 0)}
        kept = tar.extractfile("etc/secret")
        assert kept is not None
        assert kept.read() == b"hush"


def test_secrets_are_not_in_the_repr() -> None:
    assert "hush" not in repr(CONFIG)


def test_a_cloud_config_names_the_server_writes_files_and_runs_commands() -> None:
    text = bootstrap.render_cloud_config("n", CONFIG.files, [("systemctl", "start", "x")])
    assert text.startswith(b"#cloud-config\n")
    document = yaml.safe_load(text)
    assert document["hostname"] == "n"
    assert [f["path"] for f in document["write_files"]] == ["/etc/a", "/etc/secret"]
    assert [f["permissions"] for f in document["write_files"]] == ["0644", "0600"]
    assert document["runcmd"] == [["systemctl", "start", "x"]]


@pytest.mark.parametrize(
    ("console", "progress"),
    [
        ("", NodeProgress()),
        ("Debian boots\r\nJEROBOAM/1 begin\r\n", NodeProgress()),
        ("JEROBOAM/1 step init at 3.1", NodeProgress(step="init", message="at 3.1")),
        ("[ 1.0] \x1b[0;32mJEROBOAM/1 done all at 9\x1b[0m\r", NodeProgress(step="all", done=True, message="at 9")),
        ("JEROBOAM/1 failed init exit code 1: no", NodeProgress("init", failed=True, message="exit code 1: no")),
        ("JEROBOAM/1 failed init x\nJEROBOAM/1 begin\nJEROBOAM/1 step y", NodeProgress(step="y")),
    ],
)
def test_the_console_tells_the_state_of_the_last_bootstrap(console: str, progress: NodeProgress) -> None:
    assert bootstrap.parse_console(console) == progress


@given(st.text())
def test_no_console_is_too_strange(console: str) -> None:
    bootstrap.parse_console(console)
    assert bootstrap.parse_console(console + "\n" + bootstrap.marker("done")).done


def run(tmp_path: Path, *commands: Command) -> tuple[int, NodeProgress, str]:
    """The real script under a real bash, with its state and the mark on its root in a folder of the test's."""
    script = render_run(NodeConfig("n", (), commands)).replace(STATE, str(tmp_path / "state"))
    script = script.replace(ROOT, str(tmp_path / "root"))
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, env=os.environ, check=False
    )
    return done.returncode, bootstrap.parse_console(done.stdout), done.stdout


def test_the_script_runs_every_command_once_over_all_boots(tmp_path: Path) -> None:
    log = tmp_path / "log"
    commands = [Command(n, ("sh", "-c", f"echo {n} >> {log}"), background=n == "b") for n in "abc"]
    for _ in range(2):
        code, progress, _ = run(tmp_path, *commands)
        assert (code, progress.done, progress.failed) == (0, True, False)
    assert sorted(log.read_text().split()) == ["a", "b", "c"]


def test_on_a_new_root_every_command_runs_again_though_the_state_is_the_old_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = Command("a", ("sh", "-c", f"echo a >> {log}"))
    run(tmp_path, command)
    (tmp_path / "root").unlink()
    code, progress, _ = run(tmp_path, command)
    assert (code, progress.done) == (0, True)
    assert log.read_text() == "a\na\n"


def test_a_failure_names_its_step_and_shows_its_last_words_and_the_next_boot_goes_on_there(tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = Command("first", ("sh", "-c", f"echo 1 >> {log}"))
    code, progress, console = run(tmp_path, first, Command("second", ("sh", "-c", "echo broken; exit 7")))
    assert (code, progress) == (1, NodeProgress("second", failed=True, message="exit code 7: broken"))
    assert "----- last lines of second" in console
    assert run(tmp_path, first, Command("second", ("true",)))[0] == 0
    assert log.read_text() == "1\n"


SYSTEMCTL = """#!/bin/sh
case $1 in
  list-units) echo "containerd.service loaded failed"; echo "jeroboam-bootstrap.service loaded failed"; echo "x.mount loaded failed" ;;
  is-enabled) case $3 in containerd.service | kubelet.service) exit 0 ;; *) exit 1 ;; esac ;;
esac
"""
UNITS = [
    "----- last lines of unit containerd",
    "of containerd.service",
    "----- last lines of unit x.mount",
    "of x.mount",
]
UNITS += ["----- last lines of unit kubelet", "of kubelet.service"]


def run_with_units(tmp_path: Path, *commands: Command) -> list[str]:
    """The script on a machine with units, each of which says "of UNIT"; it looks at its commands all the time. The console's lines."""
    for name, text in {"systemctl": SYSTEMCTL, "journalctl": '#!/bin/sh\necho "of $3"\n'}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    script = render_run(NodeConfig("n", (), commands)).replace(STATE, str(tmp_path / "state"))
    script = script.replace(ROOT, str(tmp_path / "root")).replace(f"sleep {WATCH_S} ", "sleep 0.05 ")
    script = script.replace(" PATH=", f" PATH={tmp_path}:")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_failure_shows_the_journal_of_failed_units_and_of_those_that_make_a_node(tmp_path: Path) -> None:
    console = run_with_units(tmp_path, Command("join", ("false",)))
    assert console[-8:] == ["----- last lines of join", *UNITS, "JEROBOAM/1 failed join exit code 1: "]


def test_a_command_that_goes_on_for_long_tells_what_it_does_and_when_silent_what_the_units_say(tmp_path: Path) -> None:
    words = "echo pulling; sleep 0.2; echo the Token is abc; sleep 1"
    console = run_with_units(tmp_path, Command("pull", ("sh", "-c", words)), Command("quick", ("true",)))
    said = [line for line in console if "JEROBOAM" not in line]
    assert said[:2] == ["pull: pulling", "pull: (a line with a token)"]
    assert said[2:] == ["----- pull says nothing for long", *UNITS]
    assert bootstrap.parse_console("\n".join(console)).done


def test_a_command_past_its_deadline_is_ended(tmp_path: Path) -> None:
    _, progress, _ = run(tmp_path, Command("slow", ("sleep", "60"), timeout_s=1))
    assert progress == NodeProgress("slow", failed=True, message="not finished after 1 seconds")


def test_a_background_failure_fails_the_bootstrap(tmp_path: Path) -> None:
    code, progress, _ = run(tmp_path, Command("bg", ("false",), background=True), Command("fg", ("sleep", "0.3")))
    assert code == 1
    assert progress.failed


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40))
def test_no_word_of_a_command_is_interpreted(word: str) -> None:
    script = render_run(NodeConfig("n", (), (Command("x", ("printf", "%s", word)),)))
    call = script.split("# step, deadline", 1)[1].split("exit 0; }\n", 1)[1].split("touch ")[0]
    shown = subprocess.run(
        ["bash", "-c", 'run() { shift 2; "$@"; }\n' + call], capture_output=True, timeout=20, check=True
    )
    assert shown.stdout.decode() == word


def test_units_are_linked_and_started_in_one_command(tmp_path: Path) -> None:
    program = tmp_path / "systemctl"
    program.write_text('#!/bin/sh\ncase $1 in show) echo "/units/$4.service" ;; *) echo "$@" ;; esac\n')
    program.chmod(0o755)
    argv = [word.replace("/etc/systemd/system/", f"{tmp_path}/") for word in bootstrap.enable_now("a", "b")]
    wanted = tmp_path / "multi-user.target.wants"
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert subprocess.run(argv, env=env, capture_output=True, check=False).returncode != 0  # no folder for the links
    wanted.mkdir()
    for _ in range(2):
        assert subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout == "start a b\n"
    assert {path.name: str(path.readlink()) for path in wanted.iterdir()} == {
        "a.service": "/units/a.service",
        "b.service": "/units/b.service",
    }
