"""The example packages, found by entry point as pip would have installed them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.installed import EXAMPLES, install


@pytest.mark.parametrize(
    ("example", "kind", "name", "package", "chosen"),
    [
        ("coe-docker", "driver", "docker", "jeroboam-coe-docker", {}),
        (
            "provider-static",
            "provider",
            "static",
            "jeroboam-provider-static",
            {"JEROBOAM_PROVIDER__DEFAULT": "static", "JEROBOAM_STATIC__INVENTORY": "machines.yaml"},
        ),
    ],
)
def test_an_example_is_found_and_can_be_used(
    example: str, kind: str, name: str, package: str, chosen: dict[str, str], tmp_path: Path
) -> None:
    project = install(EXAMPLES / example, tmp_path)
    assert project["name"] == package
    [found] = survey(package, tmp_path, EXAMPLES / example / "src", **chosen)
    assert (found["kind"], found["name"], found["version"], found["problem"]) == (kind, name, "0.1.0", "")
    assert found["used"]


def survey(package: str, *places: Path, **environ: str) -> list[dict[str, Any]]:
    """What `jeroboam plugins` says of a package that lies in these folders."""
    done = subprocess.run(
        [sys.executable, "-m", "jeroboam", "plugins", "--json"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places)), **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return [one for one in json.loads(done.stdout) if one["package"] == package]


def test_a_provider_that_lacks_a_library_or_a_setting_says_so(tmp_path: Path) -> None:
    install(EXAMPLES / "provider-static", tmp_path)
    source = EXAMPLES / "provider-static" / "src"
    [found] = survey("jeroboam-provider-static", tmp_path, source)
    assert (found["used"], found["problem"]) == (False, "[static] inventory is not set.")
    (tmp_path / "asyncssh.py").write_text("raise ModuleNotFoundError(\"No module named 'asyncssh'\")")
    [found] = survey("jeroboam-provider-static", tmp_path, source)
    assert found["problem"] == "ModuleNotFoundError: No module named 'asyncssh'"


def test_two_packages_of_one_name_are_both_named(tmp_path: Path) -> None:
    install(EXAMPLES / "provider-static", tmp_path)
    other = tmp_path / "other"
    (other / "again-2.0.dist-info").mkdir(parents=True)
    (other / "again-2.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: again\nVersion: 2.0\n")
    (other / "again-2.0.dist-info" / "entry_points.txt").write_text("[jeroboam.providers]\nstatic = again:plugin\n")
    [found] = survey("jeroboam-provider-static", tmp_path, other, EXAMPLES / "provider-static" / "src")
    assert found["problem"] == (
        "jeroboam-provider-static (jeroboam_static:plugin) and again (again:plugin) both bring it: uninstall one of the packages"
    )
