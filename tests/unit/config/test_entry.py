"""The console script's last resort: whatever happens, people see a sentence."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jeroboam import __version__, entry
from jeroboam.domain.errors import ConfigError


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[BaseException], int]:
    """Runs `main` with commands that end in this error; returns the exit code."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def run(error: BaseException) -> int:
        def commands() -> None:
            raise error

        monkeypatch.setattr(entry, "build_app", lambda: commands)
        with pytest.raises(SystemExit) as ended:
            entry.main()
        return int(ended.value.code or 0)

    return run


def test_an_error_of_ours_is_a_sentence_and_the_next_move(
    fail: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail(ConfigError("[x] y = 1 is wrong.", hint="Write 2.")) == 1
    assert capsys.readouterr() == ("", "jeroboam: [x] y = 1 is wrong. Write 2.\n")


def test_any_other_error_is_one_line_and_a_private_file(
    fail: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert fail(ValueError("first.\nsecond")) == 1
    said = capsys.readouterr().err
    found = re.fullmatch(r"jeroboam: an error of Jeroboam's own: ValueError: first\. The trace is in (\S+)\.\n", said)
    assert found, said
    file = Path(found[1])
    assert file.parent == tmp_path / "jeroboam"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "ValueError: first.\nsecond" in file.read_text()


def test_ctrl_c_is_no_error(fail: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")


def test_every_command_is_there() -> None:
    names = set(entry.build_app())
    assert {
        "up",
        "serve",
        "doctor",
        "config",
        "image",
        "cluster",
        "template",
        "nodegroup",
        "openstack",
        "--version",
    } <= names


@pytest.mark.parametrize("words", [["version"], ["--version"]])
def test_the_version_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.build_app()(words)
    assert (ended.value.code or 0, capsys.readouterr().out) == (0, f"{__version__}\n")


def test_a_mistyped_command_is_met_with_the_nearest_whichever_package_it_comes_from() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jeroboam", "clustr"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert 'Unknown command "clustr". Did you mean "cluster"?' in " ".join(done.stderr.split())
