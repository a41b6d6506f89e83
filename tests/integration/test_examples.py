"""The example packages, found by entry point as pip would have installed them."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def install(example: Path, site: Path) -> dict[str, Any]:
    """What pip leaves of an editable install: a folder of metadata and a path. Nothing is built, so no build tool is needed."""
    project: dict[str, Any] = tomllib.loads((example / "pyproject.toml").read_text())["project"]
    metadata = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = project["entry-points"]
    lines = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in groups[group].items()) for group in groups
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return project


@pytest.mark.parametrize(
    ("example", "kind", "name", "package"), [("coe-docker", "driver", "docker", "jeroboam-coe-docker")]
)
def test_an_example_is_found_and_can_be_used(example: str, kind: str, name: str, package: str, tmp_path: Path) -> None:
    project = install(EXAMPLES / example, tmp_path)
    assert project["name"] == package
    path = os.pathsep.join([str(tmp_path), str(EXAMPLES / example / "src")])
    done = subprocess.run(
        [sys.executable, "-m", "jeroboam", "plugins", "--json"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    [found] = [one for one in json.loads(done.stdout) if one["package"] == package]
    assert (found["kind"], found["name"], found["version"], found["problem"]) == (kind, name, "0.1.0", "")
    assert found["used"]
