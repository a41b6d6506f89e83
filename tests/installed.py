"""The example packages, as pip would have installed them."""

import tomllib
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"


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
