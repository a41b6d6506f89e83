"""What the probe of the nodes' kernel says, by programs that answer as told."""

import subprocess
from pathlib import Path

import pytest

from jeroboam.providers.docker import kernel


def said(folder: Path, **programs: int) -> dict[str, bool]:
    """The findings where only these programs are there, which end with these codes."""
    for name, code in programs.items():
        (folder / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (folder / name).chmod(0o755)
    argv = ["/bin/sh", "-c", kernel.PROBE]
    done = subprocess.run(argv, env={"PATH": str(folder)}, capture_output=True, text=True, timeout=60, check=True)
    return kernel.read(done.stdout)


@pytest.mark.parametrize("code", [0, 1])
def test_each_feature_is_tried(code: int, tmp_path: Path) -> None:
    there = code == 0
    assert said(tmp_path, genl=code, ip=code) == {"ip_vs": there, "esp4": there, "wireguard": there}


def test_what_the_image_has_no_program_for_is_not_tried(tmp_path: Path) -> None:
    assert said(tmp_path) == {}
    assert said(tmp_path, ip=1) == {"esp4": False, "wireguard": False}
