"""A unit that keeps failing says why on the console, and the reader finds the last of it."""

import os
import subprocess
from pathlib import Path

import pytest

from jeroboam.bootstrap import last_words_of, read_last_words

SAYS = {"systemctl": "echo $DEATHS", "journalctl": "printf '%s\\r\\n' \"$SAID\""}


def told(folder: Path, result: str, deaths: int, said: str = "no config") -> str:
    for name, line in SAYS.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    script, *_ = last_words_of("kubelet")
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "SERVICE_RESULT": result, "DEATHS": str(deaths), "SAID": said}
    console = folder / "console"
    console.write_text("")
    subprocess.run(
        ["bash", "-c", script.content.decode(), "-", "kubelet", str(console)], env=env, check=True, timeout=20
    )
    return console.read_text()


def test_a_bad_end_is_told_with_its_last_words(tmp_path: Path) -> None:
    assert told(tmp_path, "exit-code", 1) == "JEROBOAM/1 unit kubelet no config\n"
    assert read_last_words(f"boot\n{told(tmp_path, 'exit-code', 1)}more\n") == "kubelet: no config"


@pytest.mark.parametrize(("result", "deaths"), [("success", 0), ("exit-code", 3), ("exit-code", 59)])
def test_a_good_end_is_not_told_and_a_bad_one_not_each_second(tmp_path: Path, result: str, deaths: int) -> None:
    assert told(tmp_path, result, deaths) == ""


def test_a_token_is_not_told(tmp_path: Path) -> None:
    assert told(tmp_path, "exit-code", 60, "bad Token abc") == "JEROBOAM/1 unit kubelet (a line with a token)\n"


def test_each_unit_has_its_drop_in() -> None:
    _, *drop_ins = last_words_of("kubelet", "containerd")
    assert [(one.path, one.content) for one in drop_ins] == [
        (
            f"/etc/systemd/system/{unit}.service.d/last-words.conf",
            f"[Service]\nExecStopPost=-/etc/jeroboam/node/last-words {unit}\n".encode(),
        )
        for unit in ("kubelet", "containerd")
    ]


@pytest.mark.parametrize("console", ["", "JEROBOAM/1 done all", "unit kubelet no mark"])
def test_a_console_without_any(console: str) -> None:
    assert read_last_words(console) == ""
