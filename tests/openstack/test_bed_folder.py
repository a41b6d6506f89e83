"""The bed's folder: what down.sh --all may remove there. No bed is started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

_DOWN = Path(__file__).parent / "bed" / "down.sh"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="down.sh needs root")


def _down(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BED_DIR": str(folder), "BED_NAME": f"jbed{os.getpid()}"[:12]}
    return subprocess.run([_DOWN, "--all"], env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "thesis.txt").write_text("years")
    done = _down(tmp_path)
    assert done.returncode == 1
    assert f"BED_DIR={tmp_path} is not empty and no bed's" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["rootfs", "thesis.txt"]


def test_a_folder_that_is_absent_leaves_nothing(tmp_path: Path) -> None:
    assert _down(tmp_path / "bed").returncode == 0
    assert os.listdir(tmp_path) == []


def test_what_the_bed_did_not_make_stays(tmp_path: Path) -> None:
    for folder in ("rootfs", "run", "node", "other", "mine"):
        (tmp_path / folder).mkdir()
    for file in (
        ".openstack-bed",
        "rootfs.done",
        "node.done",
        "node.raw",
        "other.done",
        "other.raw",
        "mine/thesis.txt",
    ):
        (tmp_path / file).touch()
    done = _down(tmp_path)
    assert done.returncode == 0
    assert f"{tmp_path} is kept" in done.stdout
    assert os.listdir(tmp_path) == ["mine"]
